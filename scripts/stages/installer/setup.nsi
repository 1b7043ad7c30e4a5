; The installer of a frozen program. What differs between products is in the files that it includes,
; which Slipway writes beside it; every text of a product's is quoted there.

!include "product.nsh"
ManifestDPIAware true
ManifestSupportedOS all
SetCompressor /SOLID lzma
OutFile "made.exe"
AllowSkipFiles off
ShowInstDetails nevershow
ShowUninstDetails nevershow

!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\{${UPGRADE}}"
!define ENVIRONMENT "SYSTEM\CurrentControlSet\Control\Session Manager\Environment"

!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_INSTDIR "${NAME}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "${KEY}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "InstallLocation"
!if "${SCOPE}" == "ask"
  !define MULTIUSER_EXECUTIONLEVEL Highest
  ; Whom it was installed for the last time.
  !define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "${KEY}"
  !define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "InstallLocation"
  !define MULTIUSER_INSTALLMODE_COMMANDLINE
!else if "${SCOPE}" == "machine"
  !define MULTIUSER_EXECUTIONLEVEL Admin
!else
  !define MULTIUSER_EXECUTIONLEVEL User
!endif
!include "MultiUser.nsh"
!include "MUI2.nsh"
!include "LogicLib.nsh"
!include "FileFunc.nsh"

!ifdef ICON
  !define MUI_ICON "icon.ico"
  !define MUI_UNICON "icon.ico"
!endif
!define MUI_ABORTWARNING
!ifdef LICENCE
  !insertmacro MUI_PAGE_LICENSE "licence.txt"
!endif
!if "${SCOPE}" == "ask"
  !insertmacro MULTIUSER_PAGE_INSTALLMODE
!endif
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

!define BUSY "$(^Name) is running, or its files are in use. Close it and start again; nothing was \
changed."
!define NEWER "A newer version of $(^Name) is installed; nothing was changed. Remove it first if you \
want this one."
!define FULL "The disk has no room for $(^Name), which takes ${KILOBYTES} KB; nothing was changed. Free some and \
start again."

Var Given
Var Old

; Whoever asked silently is told by the exit code 2.
!macro Refuse TEXT
  MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
  SetErrorLevel 2
  Quit
!macroend

Function .onInit
  StrCpy $Given $INSTDIR ; of /D=
  !insertmacro MULTIUSER_INIT
  ${If} $Given != ""
    StrCpy $INSTDIR $Given
  ${EndIf}
FunctionEnd

!macro Compare VALUE OURS
  ReadRegDWORD $0 SHCTX "${KEY}" "${VALUE}"
  IntCmpU $0 ${OURS} same_${VALUE} older newer
  same_${VALUE}:
!macroend

; Remove the version that is installed, by its own uninstaller: it knows its files.
Function Prepare
  ReadRegStr $Old SHCTX "${KEY}" "InstallLocation"
  StrCmp $Old "" done ; nothing is installed, and \uninstall.exe would be a stranger's
  !insertmacro Compare "VersionMajor" ${VERSION_1}
  !insertmacro Compare "VersionMinor" ${VERSION_2}
  !insertmacro Compare "VersionPatch" ${VERSION_3}
  !insertmacro Compare "VersionRun" ${VERSION_4}
  Goto older
  newer:
  !insertmacro Refuse "${NEWER}"
  older:
  IfFileExists "$Old\uninstall.exe" 0 done
  ; Before the old version goes: where there is no room for the new one, nothing would be left.
  ${GetRoot} "$INSTDIR" $0
  StrCpy $0 "$0\"
  System::Call 'kernel32::GetDiskFreeSpaceExW(w r0, *l .r1, p 0, p 0) i .r2'
  StrCmp $2 0 room ; Windows does not say
  System::Int64Op $1 / 1024
  Pop $1
  System::Int64Op $1 < ${KILOBYTES}
  Pop $2
  StrCmp $2 0 room
  !insertmacro Refuse "${FULL}"
  room:
  ClearErrors
  ExecWait '"$Old\uninstall.exe" /S /$MultiUser.InstallMode _?=$Old' $0
  IfErrors busy
  IntCmp $0 0 removed
  busy:
  !insertmacro Refuse "${BUSY}"
  removed:
  Delete "$Old\uninstall.exe"
  RMDir "$Old"
  done:
FunctionEnd

!ifdef ADD_TO_PATH
; NSIS' own strings end after 1,024 letters, and PATH may be longer: it stays in memory of its own.
; $9: the error of reading it, 0 or 2 (there was none); with another one nothing is written.
!macro OpenPath
  StrCmp $MultiUser.InstallMode "AllUsers" 0 own
  System::Call 'advapi32::RegOpenKeyExW(p -2147483646, w "${ENVIRONMENT}", i 0, i 0xF003F, *p .r1) i .r0'
  Goto opened
  own:
  System::Call 'advapi32::RegCreateKeyExW(p -2147483647, w "Environment", i 0, p 0, i 0, i 0xF003F, p 0, *p .r1, p 0) i .r0'
  opened:
  StrCpy $4 0
  StrCpy $3 2 ; REG_EXPAND_SZ, where there was none
  System::Call 'advapi32::RegQueryValueExW(p r1, w "Path", p 0, p 0, p 0, *i .r4) i .r9'
  IntOp $5 $4 + 2200
  System::Alloc $5
  Pop $2
  StrCmp $9 0 0 read
  System::Call 'advapi32::RegQueryValueExW(p r1, w "Path", p 0, *i .r3, p r2, *i r4) i .r9'
  read:
!macroend
!macro ClosePath
  System::Call 'kernel32::lstrlenW(p r2) i .r4'
  IntOp $4 $4 * 2
  IntOp $4 $4 + 2
  StrCmp $9 0 write
  StrCmp $9 2 write close
  write:
  StrCmp $4 2 0 full
  System::Call 'advapi32::RegDeleteValueW(p r1, w "Path") i .r0'
  Goto close
  full:
  System::Call 'advapi32::RegSetValueExW(p r1, w "Path", i 0, i r3, p r2, i r4) i .r0'
  close:
  System::Call 'advapi32::RegCloseKey(p r1)'
  System::Free $2
  SendMessage ${HWND_BROADCAST} ${WM_SETTINGCHANGE} 0 "STR:Environment" /TIMEOUT=5000
!macroend
Function AddToPath
  !insertmacro OpenPath
  System::Call 'kernel32::lstrcatW(p r2, w ";$INSTDIR")'
  !insertmacro ClosePath
FunctionEnd
Function un.RemoveFromPath
  !insertmacro OpenPath
  System::Call 'shlwapi::StrStrIW(p r2, w ";$INSTDIR") p .r6'
  IntPtrCmp $6 0 nothing
  StrLen $7 ";$INSTDIR"
  IntOp $7 $7 * 2
  IntPtrOp $7 $6 + $7 ; what comes after it
  System::Call '*$7(&i2 .r8)'
  IntCmp $8 0 whole
  IntCmp $8 59 whole nothing nothing ; a semicolon: another folder begins
  whole:
  System::Call 'kernel32::lstrlenW(p r7) i .r8'
  IntOp $8 $8 * 2
  IntOp $8 $8 + 2
  System::Call 'ntdll::memmove(p r6, p r7, p r8)?c'
  nothing:
  !insertmacro ClosePath
FunctionEnd
!endif

Section "Install"
  Call Prepare
  SetOverwrite on
  !include "files.nsh"
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr SHCTX "${KEY}" "InstallLocation" "$INSTDIR"
  WriteRegStr SHCTX "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
  WriteRegStr SHCTX "${KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S /$MultiUser.InstallMode'
  WriteRegDWORD SHCTX "${KEY}" "VersionMajor" ${VERSION_1}
  WriteRegDWORD SHCTX "${KEY}" "VersionMinor" ${VERSION_2}
  WriteRegDWORD SHCTX "${KEY}" "VersionPatch" ${VERSION_3}
  WriteRegDWORD SHCTX "${KEY}" "VersionRun" ${VERSION_4}
  WriteRegDWORD SHCTX "${KEY}" "EstimatedSize" ${KILOBYTES}
  WriteRegDWORD SHCTX "${KEY}" "NoModify" 1
  WriteRegDWORD SHCTX "${KEY}" "NoRepair" 1
  !include "registry.nsh"
  !include "shortcuts.nsh"
  !ifdef ADD_TO_PATH
    Call AddToPath
  !endif
SectionEnd

; Where a file could not be written: what was written goes, too.
Function .onInstFailed
  !include "removal.nsh"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
FunctionEnd

Function un.onInit
  !insertmacro MULTIUSER_UNINIT
  ; Both may be there, and this one is of one of them.
  ReadRegStr $0 HKCU "${KEY}" "InstallLocation"
  ${If} $0 == $INSTDIR
    Call un.MultiUser.InstallMode.CurrentUser
  ${EndIf}
!if "${SCOPE}" != "user"
  ReadRegStr $0 HKLM "${KEY}" "InstallLocation"
  ${If} $0 == $INSTDIR
    Call un.MultiUser.InstallMode.AllUsers
  ${EndIf}
!endif
FunctionEnd

; A file that cannot be opened for writing is in use: nothing is removed before all are free.
Function un.Check
  Pop $0
  IfFileExists "$INSTDIR\$0" 0 free
  ClearErrors
  FileOpen $1 "$INSTDIR\$0" a
  IfErrors busy
  FileClose $1
  Goto free
  busy:
  !insertmacro Refuse "${BUSY}"
  free:
FunctionEnd

Section "Uninstall"
  !include "checks.nsh"
  !include "removal.nsh"
  !include "unshortcuts.nsh"
  !ifdef ADD_TO_PATH
    Call un.RemoveFromPath
  !endif
  DeleteRegKey SHCTX "${KEY}"
  SetOutPath "$TEMP" ; a current folder cannot be removed
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
SectionEnd
