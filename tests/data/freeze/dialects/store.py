def main():
    from sqlalchemy import create_engine, text

    with create_engine("sqlite://").connect() as connection:
        answer = connection.execute(text("select 42")).scalar()
    other = create_engine("postgresql+psycopg://nobody@127.0.0.1:1/none")
    print("sqlite", answer, other.dialect.name, other.driver)
