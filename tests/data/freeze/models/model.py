from pydantic import BaseModel, EmailStr


class Person(BaseModel):
    address: EmailStr


print(Person(address="a@example.org").address)
