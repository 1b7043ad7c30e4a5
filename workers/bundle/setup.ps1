# Set up a Slipway worker on this machine, or remove it. All work is done by set_up_worker.py.
#
#   powershell -ExecutionPolicy Bypass -File setup.ps1 [-Folder C:\slipway\NAME] [-Python PATH]
#       [-Account LocalSystem]
#   powershell -ExecutionPolicy Bypass -File setup.ps1 -Remove

param(
    [string]$Folder,
    [string]$Python,
    [ValidateSet('own', 'LocalSystem')][string]$Account = 'own',
    [switch]$Remove
)

$ErrorActionPreference = 'Stop'

function Find-Python {
    # PowerShell 5.1 takes the first line on a program's standard error for a reason to stop.
    $ErrorActionPreference = 'Continue'
    # The launcher first: the python.exe of the Microsoft Store is on the PATH of many machines, and
    # no service can use it.
    foreach ($command in @('py', 'python')) {
        if (Get-Command $command -ErrorAction SilentlyContinue) {
            $found = & $command -c 'import sys; print(sys.executable)' 2>$null
            if ($LASTEXITCODE -eq 0 -and $found) { return $found }
        }
    }
    return $null
}

if (-not $Python) { $Python = Find-Python }
if (-not $Python) {
    Write-Host 'Python is missing. Install 3.11 or newer for all users, then run this again:'
    Write-Host '    winget install --exact --id Python.Python.3.12 --scope machine'
    exit 3
}

$words = @((Join-Path $PSScriptRoot 'set_up_worker.py'))
if ($Folder) { $words += @('--folder', $Folder) }
$words += @('--account', $Account)
if ($Remove) { $words += '--remove' }
& $Python -I @words
exit $LASTEXITCODE
