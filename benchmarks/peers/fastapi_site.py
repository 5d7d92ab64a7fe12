"""fastapi-users on asyncpg, as its documentation begins an application.

`python -m peers.fastapi_site USERS TOKENS` fills its database.
"""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncGenerator

from fastapi import Depends, FastAPI
from fastapi_users import BaseUserManager, FastAPIUsers, UUIDIDMixin, schemas
from fastapi_users.authentication import AuthenticationBackend, BearerTransport, JWTStrategy
from fastapi_users.db import SQLAlchemyBaseUserTableUUID, SQLAlchemyUserDatabase
from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.hashers.bcrypt import BcryptHasher
from sqlalchemy import String, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = os.environ["SECRET_KEY"]
PASSWORD = "Grill-Fleet-2026!"
engine = create_async_engine(os.environ["DATABASE_URL"].replace("postgres://", "postgresql+asyncpg://"))
new_session = async_sessionmaker(engine, expire_on_commit=False)
passwords = PasswordHelper(PasswordHash((BcryptHasher(rounds=12),)))


class Base(DeclarativeBase):
    pass


class User(SQLAlchemyBaseUserTableUUID, Base):
    first_name: Mapped[str] = mapped_column(String(150), default="")
    last_name: Mapped[str] = mapped_column(String(150), default="")


class UserRead(schemas.BaseUser[uuid.UUID]):
    first_name: str
    last_name: str


class UserManager(UUIDIDMixin, BaseUserManager[User, uuid.UUID]):
    reset_password_token_secret = SECRET
    verification_token_secret = SECRET


async def session() -> AsyncGenerator[AsyncSession, None]:
    async with new_session() as opened:
        yield opened


async def user_manager(opened: AsyncSession = Depends(session)):
    yield UserManager(SQLAlchemyUserDatabase(opened, User), passwords)


def strategy() -> JWTStrategy:
    return JWTStrategy(secret=SECRET, lifetime_seconds=3600)


backend = AuthenticationBackend("jwt", BearerTransport(tokenUrl="auth/jwt/login"), strategy)
users = FastAPIUsers[User, uuid.UUID](user_manager, [backend])
app = FastAPI()
app.include_router(users.get_auth_router(backend), prefix="/auth/jwt")
app.include_router(users.get_users_router(UserRead, schemas.BaseUserUpdate), prefix="/users")


@app.get("/people", response_model=list[UserRead])
async def people(
    user: User = Depends(users.current_user(active=True, superuser=True)), opened: AsyncSession = Depends(session)
):
    return (await opened.execute(select(User).order_by(User.email).limit(20))).scalars().all()


async def fill(number, count):
    hashed = passwords.hash(PASSWORD)
    rows = [
        {"id": uuid.uuid4(), "email": f"user{n:07}@example.com", "hashed_password": hashed, "first_name": "Ann",
         "last_name": "Driver", "is_superuser": n < 100, "is_active": True, "is_verified": True}
        for n in range(number)
    ]  # fmt: skip
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for start in range(0, number, 2000):
            await connection.execute(insert(User), rows[start : start + 2000])
    tokens = [await strategy().write_token(User(id=row["id"])) for row in rows[:100]]
    emails = [row["email"] for row in rows[100:count]]
    print(json.dumps({"access": tokens, "refresh": [], "logins": emails, "password": PASSWORD}))


if __name__ == "__main__":
    asyncio.run(fill(*map(int, sys.argv[1:])))
