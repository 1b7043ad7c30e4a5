import ssl

import requests

path = requests.certs.where()
count = len(ssl.create_default_context(cafile=path).get_ca_certs())
assert "żółw.example".encode("idna")
assert requests.Request("GET", "https://żółw.example/").prepare().url
print("bundle with certificates" if count > 100 else f"only {count}")
