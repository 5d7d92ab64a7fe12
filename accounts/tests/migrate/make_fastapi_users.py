"""Makes fastapi_users.csv: fastapi-users registers people in a new database, and the SQL of docs/migrate exports them.

pip install "fastapi-users[sqlalchemy]==15.0.5" aiosqlite httpx
python make_fastapi_users.py
"""

import asyncio
import csv
import re
import sqlite3
import tempfile
from pathlib import Path

from fastapi import FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from httpx import ASGITransport, AsyncClient
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase

PASSWORD = "Grill-Fleet-2026!"
HERE = Path(__file__).resolve().parent
DATABASE = Path(tempfile.mkdtemp()) / "users.db"
engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE}")
new_session = async_sessionmaker(engine, expire_on_commit=False)
# The default of today, and bcrypt, which was the default of passlib's time.
HELPERS = {"argon2": PasswordHelper(), "bcrypt": PasswordHelper(PasswordHash((BcryptHasher(), Argon2Hasher())))}


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    pass


class UserManager(UUIDIDMixin, BaseUserManager):
    reset_password_token_secret = verification_token_secret = "secret" * 8

    async def on_after_request_verify(self, user, token, request=None):
        await self.verify(token)


def app_with(helper):
    async def get_user_manager():
        async with new_session() as session:
            yield UserManager(SQLAlchemyUserDatabase(session, User), helper)

    backend = AuthenticationBackend(
        "jwt", BearerTransport("login"), lambda: JWTStrategy(secret="secret" * 8, lifetime_seconds=60)
    )
    users = FastAPIUsers(get_user_manager, [backend])
    app = FastAPI()
    app.include_router(users.get_auth_router(backend))
    app.include_router(users.get_register_router(schemas.BaseUser, schemas.BaseUserCreate))
    app.include_router(users.get_verify_router(schemas.BaseUser))
    return app


async def register(name, helper, *, verify=True):
    body = {"email": f"{name}@fastapi.example", "password": PASSWORD}
    async with AsyncClient(transport=ASGITransport(app_with(helper)), base_url="http://test") as client:
        assert (await client.post("/register", json=body)).status_code == 201
        if verify:
            assert (await client.post("/request-verify-token", json={"email": body["email"]})).status_code == 202
        signed_in = await client.post("/login", data={"username": body["email"], "password": PASSWORD})
        assert signed_in.status_code == 200, signed_in.text


async def main():
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    for name, helper in HELPERS.items():
        await register(name, helper)
    await register("unverified", HELPERS["argon2"], verify=False)
    page = (HERE.parents[2] / "docs/migrate/fastapi-users.md").read_text()
    rows = sqlite3.connect(DATABASE).execute(re.search(r"```sql\n(.+?)```", page, re.DOTALL)[1])
    with (HERE / "fastapi_users.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(column[0] for column in rows.description)
        table.writerows(rows)


if __name__ == "__main__":
    asyncio.run(main())
