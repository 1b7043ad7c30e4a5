import keyring.backend

names = {type(one).__name__ for one in keyring.backend.get_all_keyring()}
print("backends:", ", ".join(sorted(names & {"PlaintextKeyring"})))
