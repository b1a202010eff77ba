"""Every rule on its own examples, all rules together on whole files, and odd input."""

from __future__ import annotations

import time

import pytest

from graders.rules.py_commands import RULES_PY_COMMANDS
from graders.rules.py_crypto import RULES_PY_CRYPTO
from graders.rules.py_errors import RULES_PY_ERRORS
from graders.rules.py_http import RULES_PY_HTTP
from graders.rules.py_identity import RULES_PY_IDENTITY
from graders.rules.py_injection import RULES_PY_INJECTION
from graders.rules.py_jwt import RULES_PY_JWT
from graders.rules.py_money import RULES_PY_MONEY
from graders.rules.py_paths import RULES_PY_PATHS
from graders.rules.py_secrets import RULES_PY_SECRETS
from graders.rules.py_server import RULES_PY_SERVER
from graders.rules.py_time import RULES_PY_TIME
from graders.rules.py_transactions import RULES_PY_TRANSACTIONS
from graders.rules.rule import Rule, Site
from graders.rules.source import Source, ToolError, run_tools

RULES: tuple[Rule, ...] = (
    *RULES_PY_COMMANDS,
    *RULES_PY_CRYPTO,
    *RULES_PY_ERRORS,
    *RULES_PY_HTTP,
    *RULES_PY_IDENTITY,
    *RULES_PY_INJECTION,
    *RULES_PY_JWT,
    *RULES_PY_MONEY,
    *RULES_PY_PATHS,
    *RULES_PY_SECRETS,
    *RULES_PY_SERVER,
    *RULES_PY_TIME,
    *RULES_PY_TRANSACTIONS,
)
BY_ID = {rule.id: rule for rule in RULES}
BAD = [pytest.param(rule, text, id=f"{rule.id}-{at}") for rule in RULES for at, text in enumerate(rule.BAD)]
GOOD = [pytest.param(rule, text, id=f"{rule.id}-{at}") for rule in RULES for at, text in enumerate(rule.GOOD)]

# Each line of a bad file says at its end what is to be found there; whatever else is found is a false alarm.
VULNERABLE_FASTAPI = """
import logging
import random
import string
import time
import hashlib
import os
import pickle
from datetime import datetime, timedelta

import jwt
import requests
import yaml
from fastapi import FastAPI, HTTPException, Depends, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse
from pydantic import BaseModel
from sqlalchemy import create_engine, Column, Float, Integer, String, text
from sqlalchemy.orm import declarative_base, sessionmaker, Session

DATABASE_URL = os.getenv("DATABASE_URL", "postgresql://postgres:postgres@localhost/payments")  # expect: py-hardcoded-secret
SECRET_KEY = "super-secret-key-change-in-production"  # expect: py-hardcoded-secret
STRIPE_KEY = os.getenv("STRIPE_SECRET_KEY", "sk_test_4eC39HqLyjWDarjtT1zdp7dc")  # expect: py-hardcoded-secret
engine = create_engine(DATABASE_URL)
SessionLocal = sessionmaker(bind=engine)
Base = declarative_base()
app = FastAPI(debug=True)  # expect: py-debug-server
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"], allow_headers=["*"])  # expect: py-cors-wildcard-credentials
logger = logging.getLogger(__name__)


class Account(Base):
    __tablename__ = "accounts"
    id = Column(Integer, primary_key=True)
    balance = Column(Float, default=0.0)  # expect: py-float-money


class PaymentRequest(BaseModel):
    user_id: int
    amount: float  # expect: py-float-money
    card_number: str
    cvv: str


def get_db():
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


def hash_password(password: str):
    return hashlib.sha256(password.encode()).hexdigest()  # expect: py-weak-hash-password


def create_token(user_id):
    return jwt.encode({"sub": user_id, "exp": datetime.utcnow() + timedelta(days=30)}, SECRET_KEY, algorithm="HS256")  # expect: py-naive-datetime


def decode(token):
    return jwt.decode(token, SECRET_KEY, algorithms=["HS256", "none"])  # expect: py-jwt-unverified


def reset_code():
    return "".join(random.choices(string.digits, k=6))  # expect: py-insecure-random


@app.post("/payments")
async def create_payment(req: PaymentRequest, db: Session = Depends(get_db)):
    logger.info(f"Charging card {req.card_number} for {req.amount}")  # expect: py-secret-in-log
    try:
        account = db.query(Account).filter(Account.id == req.user_id).first()  # expect: py-identity-from-body
        if account.balance < req.amount:
            raise HTTPException(status_code=400, detail="Insufficient funds")
        account.balance -= req.amount  # expect: py-read-then-write
        db.commit()
        response = requests.post("https://psp.example/charge", json={"amount": req.amount}, verify=False)  # expect: py-http-no-timeout, py-tls-off, py-blocking-in-async
        time.sleep(1)  # expect: py-blocking-in-async
        db.execute(text(f"INSERT INTO payments (user_id, amount) VALUES ({req.user_id}, {req.amount})"))  # expect: py-sql-injection
        db.commit()
        return {"status": "ok", "id": response.json()["id"]}
    except Exception as e:
        raise HTTPException(status_code=500, detail=f"Payment failed: {e}")  # expect: py-error-detail-leak


@app.get("/search")
def search(q: str, db: Session = Depends(get_db)):
    rows = db.execute("SELECT * FROM payments WHERE description LIKE '%" + q + "%'")  # expect: py-sql-injection
    return [dict(r) for r in rows]


@app.get("/receipt")
def receipt(name: str):
    return FileResponse(os.path.join("/srv/receipts", name))  # expect: py-path-traversal


@app.post("/import")
async def import_data(request: Request):
    data = pickle.loads(await request.body())  # expect: py-unsafe-deserialization
    config = yaml.load(data["config"])  # expect: py-unsafe-deserialization
    os.system("convert " + data["file"])  # expect: py-shell-injection, py-blocking-in-async
    result = eval(data["expr"])  # expect: py-eval-exec
    try:
        requests.post("https://audit.example", json=config, timeout=5)  # expect: py-blocking-in-async
    except Exception:  # expect: py-swallowed-error
        pass
    return {"result": result}
"""

VULNERABLE_FLASK = """
import asyncio
import json
import sqlite3
import uuid
import aiohttp
import asyncpg
import psycopg2
import stripe
from flask import Flask, request, jsonify
from django.db import transaction
from jose import jwt
from dataclasses import dataclass
from typing import Optional

app = Flask(__name__)
stripe.api_key = "sk_test_51H8aBcDeFgHiJkLmNoPqRsTu"  # expect: py-hardcoded-secret
DB_CONFIG = {"host": "localhost", "user": "app", "password": "app123", "dbname": "pay"}  # expect: py-hardcoded-secret


@dataclass
class Payment:
    id: str
    amount: float  # expect: py-float-money
    fee: Optional[float] = None  # expect: py-float-money


class PaymentService:
    def __init__(self, pool: asyncpg.Pool, session: aiohttp.ClientSession, gateway):
        self.pool = pool
        self.session = session
        self.gateway = gateway

    async def _call_psp(self, payload):
        async with self.session.post("https://psp.example/v1", json=payload) as resp:
            return await resp.json()

    async def pay(self, user_id: str, amount: float):  # expect: py-float-money
        async with self.pool.acquire() as conn:
            async with conn.transaction():
                row = await conn.fetchrow("SELECT balance FROM accounts WHERE user_id = $1", user_id)
                new_balance = row["balance"] - amount
                await conn.execute("UPDATE accounts SET balance = $1 WHERE user_id = $2", new_balance, user_id)  # expect: py-read-then-write
                result = await self._call_psp({"amount": amount})  # expect: py-remote-call-in-transaction
                await conn.execute("INSERT INTO payments (id, user_id) VALUES ($1, $2)", result["id"], user_id)

    async def search(self, name, order_by="created_at"):
        query = "SELECT * FROM payments WHERE 1=1"
        if name:
            query += " AND name = '" + name + "'"
        query += f" ORDER BY {order_by}"
        return await self.pool.fetch(query)  # expect: py-sql-injection


def get_conn():
    return psycopg2.connect(**DB_CONFIG)


@app.route("/transfer", methods=["POST"])
def transfer():
    data = request.get_json()
    conn = get_conn()
    cur = conn.cursor()
    try:
        cur.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s", (data["amount"], data["from_account"]))
        conn.commit()  # expect: py-commit-between-writes
        cur.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (data["amount"], data["to_account"]))
        conn.commit()
        return jsonify({"success": True})
    except Exception as e:
        print(e)
        return jsonify({"error": str(e)}), 500  # expect: py-error-detail-leak


@app.route("/charge", methods=["POST"])
def charge():
    amount = float(request.json["amount"])  # expect: py-float-money
    conn = sqlite3.connect("pay.db")
    c = conn.cursor()
    c.execute("BEGIN")
    c.execute("INSERT INTO payments (amount) VALUES (?)", (amount,))
    intent = stripe.PaymentIntent.create(amount=int(amount * 100), currency="usd", payment_method=request.json["pm"])  # expect: py-remote-call-in-transaction
    c.execute("UPDATE payments SET intent = ? WHERE id = ?", (intent.id, c.lastrowid))
    conn.commit()
    try:
        send_receipt(intent)
    except:  # expect: py-swallowed-error
        pass
    return {"ok": True}


def whoami(token):
    claims = jwt.get_unverified_claims(token)  # expect: py-jwt-unverified
    app.logger.info("token: %s", token)  # expect: py-secret-in-log
    return claims["sub"]


@transaction.atomic
def settle(order):
    order.status = "paid"
    order.save()
    stripe.Refund.create(charge=order.charge_id)  # expect: py-remote-call-in-transaction


def save(db, order):
    try:
        db.add(order)
        db.commit()
    except Exception as e:  # expect: py-swallowed-error
        app.logger.error(f"failed: {e}")
    return {"status": "success"}


if __name__ == "__main__":
    app.run(debug=True)  # expect: py-debug-server
"""

SAFE_FASTAPI = """
from __future__ import annotations

import asyncio
import logging
import os
import secrets
import uuid
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, AsyncIterator, Optional

import httpx
import jwt
import structlog
from fastapi import Depends, FastAPI, Header, HTTPException, Request, status
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, OAuth2PasswordBearer
from pydantic import BaseModel, Field, SecretStr, condecimal
from pydantic_settings import BaseSettings
from sqlalchemy import BigInteger, Column, DateTime, Numeric, String, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

logger = structlog.get_logger(__name__)
std = logging.getLogger("payments")


class Settings(BaseSettings):
    database_url: str
    jwt_secret: SecretStr
    psp_api_key: SecretStr = Field(..., alias="PSP_API_KEY")
    psp_base_url: str = "https://psp.example.com"
    psp_timeout_seconds: float = 5.0
    webhook_secret: str = Field(min_length=32)
    access_token_ttl: int = 900
    token_url: str = "/auth/token"

    model_config = {"env_file": ".env", "secrets_dir": "/run/secrets"}


settings = Settings()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl="token")
engine = create_async_engine(settings.database_url, pool_pre_ping=True, pool_size=10)
SessionLocal = async_sessionmaker(engine, expire_on_commit=False)
MAX_RETRIES = 3
IDEMPOTENCY_HEADER = "Idempotency-Key"
TOKEN_PREFIX = "Bearer"


class PaymentStatus(str, Enum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Base(DeclarativeBase):
    pass


class Account(Base):
    __tablename__ = "accounts"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID]
    balance_minor: Mapped[int] = mapped_column(BigInteger, nullable=False)


class Payment(Base):
    __tablename__ = "payments"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    amount: Mapped[Decimal] = mapped_column(Numeric(18, 2))
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(timezone.utc))


class PaymentRequest(BaseModel):
    account_id: uuid.UUID
    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)
    currency: str = Field(pattern="^[A-Z]{3}$")
    payment_token: str = Field(..., description="Token from the payment provider", examples=["tok_1234567890abcdef"])
    description: Optional[str] = Field(default=None, max_length=255)

    model_config = {"json_schema_extra": {"example": {"amount": "10.00", "payment_token": "tok_abcdef123456", "password": "S3cret!"}}}


class CurrentUser(BaseModel):
    id: uuid.UUID
    roles: list[str] = []


class PspError(Exception):
    pass


class PspTimeout(PspError):
    pass


class PspDeclined(PspError):
    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class PspClient:
    def __init__(self, base_url: str, api_key: str, timeout: float = 5.0) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, headers={"Authorization": f"Bearer {api_key}"},
                                         timeout=httpx.Timeout(timeout, connect=2.0))

    async def charge(self, *, amount: Decimal, currency: str, token: str, idempotency_key: str) -> dict[str, Any]:
        for attempt in range(1, MAX_RETRIES + 1):
            try:
                response = await self._client.post("/v1/charges", json={"amount": str(amount), "currency": currency, "source": token},
                                                   headers={"Idempotency-Key": idempotency_key})
            except httpx.TimeoutException as exc:
                logger.warning("psp_timeout", attempt=attempt)
                if attempt == MAX_RETRIES:
                    raise PspTimeout("psp timed out") from exc
                await asyncio.sleep(0.2 * 2 ** attempt)
                continue
            except httpx.HTTPError as exc:
                raise PspError("psp unreachable") from exc
            if response.status_code == 402:
                raise PspDeclined(response.json().get("code", "declined"))
            response.raise_for_status()
            return response.json()
        raise PspTimeout("unreachable")

    async def aclose(self) -> None:
        await self._client.aclose()


async def get_session() -> AsyncIterator[AsyncSession]:
    async with SessionLocal() as session:
        try:
            yield session
        except Exception:
            await session.rollback()
            raise


async def get_current_user(token: Annotated[str, Depends(oauth2_scheme)]) -> CurrentUser:
    credentials_error = HTTPException(status_code=401, detail="Could not validate credentials", headers={"WWW-Authenticate": "Bearer"})
    try:
        payload = jwt.decode(token, settings.jwt_secret.get_secret_value(), algorithms=["HS256"], audience="payments",
                             options={"require": ["exp", "sub"]})
    except jwt.ExpiredSignatureError:
        raise HTTPException(status_code=401, detail="Token expired")
    except jwt.InvalidTokenError:
        logger.info("invalid_token")
        raise credentials_error
    return CurrentUser(id=uuid.UUID(payload["sub"]))


async def reserve(session: AsyncSession, user: CurrentUser, body: PaymentRequest, key: str) -> Payment:
    async with session.begin():
        result = await session.execute(
            update(Account)
            .where(Account.id == body.account_id, Account.user_id == user.id, Account.balance_minor >= int(body.amount * 100))
            .values(balance_minor=Account.balance_minor - int(body.amount * 100))
        )
        if result.rowcount != 1:
            raise HTTPException(status_code=402, detail="Insufficient funds")
        payment = Payment(amount=body.amount, currency=body.currency, status=PaymentStatus.PENDING.value)
        session.add(payment)
        await session.flush()
        await session.execute(text("INSERT INTO idempotency_keys (key, payment_id) VALUES (:key, :pid)"), {"key": key, "pid": payment.id})
    return payment


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.psp = PspClient(settings.psp_base_url, settings.psp_api_key.get_secret_value(), settings.psp_timeout_seconds)
    yield
    await app.state.psp.aclose()
    await engine.dispose()


app = FastAPI(title="Payments", lifespan=lifespan)
app.add_middleware(CORSMiddleware, allow_origins=["https://shop.example.com"], allow_credentials=True, allow_methods=["POST"])


@app.exception_handler(Exception)
async def unhandled(request: Request, exc: Exception) -> JSONResponse:
    error_id = secrets.token_hex(8)
    std.exception("unhandled error %s: %s", error_id, exc)
    return JSONResponse(status_code=500, content={"error": "internal_error", "error_id": error_id})


@app.post("/payments", status_code=201)
async def create_payment(body: PaymentRequest, request: Request, user: Annotated[CurrentUser, Depends(get_current_user)],
                         session: Annotated[AsyncSession, Depends(get_session)],
                         idempotency_key: Annotated[str, Header(alias=IDEMPOTENCY_HEADER)]) -> dict[str, str]:
    log = logger.bind(user_id=str(user.id), amount=str(body.amount))
    try:
        payment = await reserve(session, user, body, idempotency_key)
    except IntegrityError:
        raise HTTPException(status_code=409, detail="Duplicate request")
    try:
        charge = await request.app.state.psp.charge(amount=body.amount, currency=body.currency, token=body.payment_token,
                                                    idempotency_key=idempotency_key)
    except PspDeclined as exc:
        async with session.begin():
            payment.status = PaymentStatus.FAILED.value
        raise HTTPException(status_code=402, detail=f"Payment declined: {exc.code}") from exc
    except PspError as exc:
        log.warning("psp_failed", error=type(exc).__name__)
        raise HTTPException(status_code=502, detail="Payment provider unavailable") from exc
    async with session.begin():
        await session.execute(update(Payment).where(Payment.id == payment.id).values(status="succeeded", psp_id=charge["id"]))
    log.info("payment_succeeded", payment_id=str(payment.id))
    return {"id": str(payment.id), "status": "succeeded"}


@app.get("/payments")
async def list_payments(user: Annotated[CurrentUser, Depends(get_current_user)], session: Annotated[AsyncSession, Depends(get_session)],
                        limit: int = 50, sort: str = "created_at") -> list[dict[str, Any]]:
    columns = {"created_at": "created_at", "amount": "amount"}
    if sort not in columns:
        raise HTTPException(status_code=422, detail="bad sort")
    rows = await session.execute(text(f"SELECT id, amount FROM payments WHERE user_id = :uid ORDER BY {columns[sort]} LIMIT :n"), {"uid": user.id, "n": limit})
    return [dict(row._mapping) for row in rows]


@app.get("/healthz")
async def health(session: Annotated[AsyncSession, Depends(get_session)]) -> dict[str, str]:
    try:
        await session.execute(text("SELECT 1"))
    except Exception:
        logger.exception("health check failed")
        return JSONResponse(status_code=503, content={"status": "unavailable"})
    return {"status": "ok"}
"""

SAFE_FLASK = """
import hashlib
import hmac
import json
import os
import random
import subprocess
import sqlite3
import time
from decimal import Decimal, InvalidOperation
from functools import wraps
from pathlib import Path

import bcrypt
import psycopg2
import psycopg2.pool
import requests
from psycopg2 import sql
from psycopg2.extras import RealDictCursor
from flask import Flask, abort, g, jsonify, request, send_from_directory
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry
from werkzeug.utils import secure_filename

app = Flask(__name__)
app.config["SECRET_KEY"] = os.environ["SECRET_KEY"]
app.config["MAX_CONTENT_LENGTH"] = 16 * 1024 * 1024
DB_DSN = os.environ["DATABASE_URL"]
STRIPE_API_KEY = os.environ.get("STRIPE_API_KEY")
if not STRIPE_API_KEY:
    raise RuntimeError("STRIPE_API_KEY is not set")
UPLOADS = Path("/srv/uploads")
ALLOWED_SORT = {"created_at", "amount"}
PASSWORD_MIN_LENGTH = 12
ERRORS = {"password": "Password must have 12 characters", "token": "invalid"}

pool = psycopg2.pool.ThreadedConnectionPool(1, 10, DB_DSN)
http = requests.Session()
http.mount("https://", HTTPAdapter(max_retries=Retry(total=3)))
http.headers.update({"Authorization": f"Bearer {STRIPE_API_KEY}"})


def get_db():
    if "db" not in g:
        g.db = pool.getconn()
    return g.db


@app.teardown_appcontext
def close_db(exc):
    db = g.pop("db", None)
    if db is not None:
        try:
            db.rollback()
        except psycopg2.Error:
            pass
        pool.putconn(db)


def login_required(view):
    @wraps(view)
    def wrapped(*args, **kwargs):
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not token:
            return jsonify({"error": "unauthorized"}), 401
        digest = hashlib.sha256(token.encode()).hexdigest()
        with get_db().cursor(cursor_factory=RealDictCursor) as cur:
            cur.execute("SELECT user_id FROM api_tokens WHERE token_hash = %s AND expires_at > now()", (digest,))
            row = cur.fetchone()
        if row is None:
            app.logger.warning("rejected token from %s", request.remote_addr)
            return jsonify({"error": "unauthorized"}), 401
        g.user_id = row["user_id"]
        return view(*args, **kwargs)
    return wrapped


def hash_password(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=12)).decode()


def verify_password(password: str, hashed: str) -> bool:
    return bcrypt.checkpw(password.encode(), hashed.encode())


@app.post("/transfers")
@login_required
def transfer():
    body = request.get_json(silent=True) or {}
    try:
        amount = Decimal(str(body["amount"]))
        to_account = int(body["to_account"])
    except (KeyError, ValueError, InvalidOperation):
        return jsonify({"error": "invalid request"}), 400
    if amount <= 0 or amount != amount.quantize(Decimal("0.01")):
        return jsonify({"error": "invalid amount"}), 422
    conn = get_db()
    try:
        with conn.cursor() as cur:
            cur.execute("SELECT id, balance FROM accounts WHERE user_id = %s FOR UPDATE", (g.user_id,))
            account_id, balance = cur.fetchone()
            if balance < amount:
                conn.rollback()
                return jsonify({"error": "insufficient funds"}), 402
            cur.execute("UPDATE accounts SET balance = balance - %s WHERE id = %s", (amount, account_id))
            cur.execute("UPDATE accounts SET balance = balance + %s WHERE id = %s", (amount, to_account))
            cur.execute("INSERT INTO transfers (src, dst, amount) VALUES (%s, %s, %s) RETURNING id", (account_id, to_account, amount))
            transfer_id = cur.fetchone()[0]
        conn.commit()
    except psycopg2.errors.SerializationFailure:
        conn.rollback()
        return jsonify({"error": "try again"}), 503
    except psycopg2.Error:
        conn.rollback()
        app.logger.exception("transfer failed")
        return jsonify({"error": "internal error"}), 500
    try:
        http.post("https://hooks.example.com/transfer", json={"id": transfer_id}, timeout=3)
    except requests.RequestException:
        app.logger.warning("hook failed for %s", transfer_id)
    return jsonify({"id": transfer_id, "amount": str(amount)}), 201


@app.get("/transfers")
@login_required
def transfers():
    sort = request.args.get("sort", "created_at")
    if sort not in ALLOWED_SORT:
        abort(400, "bad sort")
    limit = min(int(request.args.get("limit", 50)), 100)
    filters = ["user_id = %s"]
    params = [g.user_id]
    if request.args.get("since"):
        filters.append("created_at >= %s")
        params.append(request.args["since"])
    where = " AND ".join(filters)
    query = f"SELECT id, amount FROM transfers WHERE {where} ORDER BY {sort} DESC LIMIT %s"
    with get_db().cursor() as cur:
        cur.execute(query, (*params, limit))
        rows = cur.fetchall()
    return jsonify([{"id": r[0], "amount": str(r[1])} for r in rows])


def count_rows(conn, table: str) -> int:
    with conn.cursor() as cur:
        cur.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        return cur.fetchone()[0]


@app.post("/webhooks/stripe")
def stripe_webhook():
    payload = request.get_data()
    expected = hmac.new(os.environ["WEBHOOK_SECRET"].encode(), payload, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Signature", "")):
        return jsonify({"error": "bad signature"}), 400
    event = json.loads(payload)
    app.logger.info("event %s", event["id"])
    return "", 204


@app.post("/documents")
@login_required
def upload():
    file = request.files["file"]
    name = secure_filename(file.filename)
    file.save(UPLOADS / name)
    subprocess.run(["clamscan", str(UPLOADS / name)], check=True, timeout=30)
    return jsonify({"name": name}), 201


@app.get("/documents/<name>")
@login_required
def document(name):
    return send_from_directory(UPLOADS, name)


def with_retries(action, attempts=5):
    for attempt in range(attempts):
        try:
            return action()
        except psycopg2.OperationalError:
            if attempt == attempts - 1:
                raise
            time.sleep(0.1 * 2 ** attempt + random.uniform(0, 0.1))


def worker(queue):
    while True:
        job = queue.get()
        try:
            job()
        except Exception:
            app.logger.exception("job failed")
            queue.fail(job)


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=int(os.getenv("PORT", "8000")))
"""

SAFE_SERVICES = """
import json
import logging
import os
import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Protocol

import asyncpg
import aiohttp
import pytest
import redis.asyncio as redis
from jose import JWTError, jwt
from passlib.context import CryptContext
from sqlalchemy.orm import Session
from fastapi import APIRouter, Depends, HTTPException, UploadFile

logger = logging.getLogger(__name__)
pwd_context = CryptContext(schemes=["argon2", "bcrypt"], deprecated="auto")
router = APIRouter()
SECRET_KEY = os.environ["JWT_SECRET"]
ALGORITHM = "HS256"
ACCESS_TOKEN_TYPE = "access_token"
TABLES = ("payments", "refunds")


@dataclass(frozen=True)
class Config:
    dsn: str = field(default_factory=lambda: os.environ["DATABASE_URL"])
    api_key: str = field(default_factory=lambda: os.environ["PSP_KEY"], repr=False)
    timeout: float = 3.0
    cache_prefix: str = "token:"


class TokenStore:
    KEY_PREFIX = "refresh_token"

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    async def revoke(self, token_id: str) -> None:
        try:
            await self.client.delete(f"{self.KEY_PREFIX}:{token_id}")
        except redis.RedisError:
            logger.exception("revoke failed for %s", token_id)
            raise


class Ledger:
    table = "ledger_entries"

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool

    async def book(self, account: str, amount: Decimal, reference: str) -> None:
        async with self.pool.acquire() as conn, conn.transaction():
            row = await conn.fetchrow("SELECT balance FROM accounts WHERE id = $1 FOR UPDATE", account)
            if row is None or row["balance"] < amount:
                raise ValueError("insufficient funds")
            await conn.execute("UPDATE accounts SET balance = $1 WHERE id = $2", row["balance"] - amount, account)
            await conn.execute(f"INSERT INTO {self.table} (account, amount, reference) VALUES ($1, $2, $3)", account, amount, reference)

    async def purge(self) -> None:
        for table in TABLES:
            await self.pool.execute(f"DELETE FROM {table} WHERE created_at < now() - interval '90 days'")

    async def update(self, payment_id: str, **changes: Any) -> None:
        allowed = {"status", "psp_id"}
        fields = {k: v for k, v in changes.items() if k in allowed}
        assignments = ", ".join(f"{name} = ${i}" for i, name in enumerate(fields, start=2))
        await self.pool.execute(f"UPDATE payments SET {assignments} WHERE id = $1", payment_id, *fields.values())

    async def many(self, ids: list[str]) -> list[asyncpg.Record]:
        marks = ",".join(f"${n + 1}" for n in range(len(ids)))
        return await self.pool.fetch(f"SELECT * FROM payments WHERE id IN ({marks})", *ids)


async def fetch_rates(session: aiohttp.ClientSession) -> dict[str, str]:
    async with session.get("https://rates.example", timeout=aiohttp.ClientTimeout(total=3)) as reply:
        reply.raise_for_status()
        return json.loads(await reply.text(), parse_float=Decimal)


def verify_token(token: str) -> dict[str, Any]:
    try:
        return jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM], audience="api")
    except JWTError as error:
        logger.info("token rejected: %s", type(error).__name__)
        raise HTTPException(status_code=401, detail="invalid token") from error


def authenticate(db: Session, email: str, password: str):
    user = db.query(User).filter(User.email == email).first()
    if user is None or not pwd_context.verify(password, user.password_hash):
        logger.info("login failed for %s", email)
        return None
    user.last_login_at = datetime.now(timezone.utc)
    db.commit()
    db.refresh(user)
    return user


@router.post("/orders/{order_id}/pay")
def pay(order_id: int, body: PayBody, db: Session = Depends(get_db), user=Depends(get_current_user), gateway=Depends(get_gateway)):
    order = db.query(Order).filter(Order.id == order_id, Order.user_id == user.id).with_for_update().one_or_none()
    if order is None:
        raise HTTPException(404, "no such order")
    if order.status != "new":
        raise HTTPException(409, "already paid")
    order.status = "paying"
    db.commit()
    try:
        charge = gateway.charge(order.total_cents, key=str(order.id))
    except GatewayError as error:
        order.status = "payment_failed"
        db.commit()
        logger.warning("gateway refused order %s: %s", order.id, error)
        raise HTTPException(502, "payment failed") from error
    order.status, order.charge_id = "paid", charge.id
    db.commit()
    try:
        publish_event("order.paid", order.id)
    except Exception:
        logger.exception("event not published")
    return {"status": "paid"}


@router.post("/avatar")
async def avatar(file: UploadFile, user=Depends(get_current_user)):
    suffix = {"image/png": ".png", "image/jpeg": ".jpg"}.get(file.content_type)
    if suffix is None:
        raise HTTPException(415, "unsupported")
    path = AVATARS / f"{user.id}{suffix}"
    with open(path, "wb") as out:
        out.write(await file.read())
    return {"ok": True}


def test_login(client):
    reply = client.post("/login", json={"email": "a@example.com", "password": "hunter22"})
    assert reply.status_code == 200
    token = jwt.encode({"sub": "1"}, "test-secret", algorithm="HS256")
    assert jwt.decode(token, options={"verify_signature": False})
"""


def sites(rule: Rule, text: str, file: str = "app.py") -> list[Site]:
    source = Source(text=text, language="python", file=file)
    run_tools([source], frozenset(rule.tools))
    return list(rule.check(source))


def bad(text: str, file: str = "app.py") -> set[tuple[str, int]]:
    source = Source(text=text, language="python", file=file)
    return {(rule.id, site.line) for rule in RULES for site in rule.check(source) if not site.ok}


def expected(text: str) -> set[tuple[str, int]]:
    marked = ((line.partition("# expect: ")[2], number) for number, line in enumerate(text.split("\n"), 1))
    return {(rule, number) for names, number in marked if names for rule in names.split(", ")}


@pytest.mark.parametrize(("rule", "text"), BAD)
def test_a_bad_example_gives_a_bad_site(rule: Rule, text: str) -> None:
    found = [site for site in sites(rule, text) if not site.ok]
    assert found
    for site in found:
        assert site.message
        assert site.quote == text.split("\n")[site.line - 1].strip()[:200]


@pytest.mark.parametrize(("rule", "text"), GOOD)
def test_a_good_example_gives_no_bad_site(rule: Rule, text: str) -> None:
    assert [site for site in sites(rule, text) if not site.ok] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_some_good_example_gives_a_good_site(rule: Rule) -> None:
    assert any(site.ok for text in rule.GOOD for site in sites(rule, text))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_described(rule: Rule) -> None:
    assert rule.id.startswith("py-")
    assert rule.languages == ("python",)
    assert len(rule.BAD) >= 2
    assert len(rule.GOOD) >= 2
    assert 2 <= (rule.__doc__ or "").count(". ") + (rule.__doc__ or "").count(".\n") <= 6


def test_ids_are_unique() -> None:
    assert len(BY_ID) == len(RULES) >= 20


@pytest.mark.parametrize("text", [VULNERABLE_FASTAPI, VULNERABLE_FLASK])
def test_a_vulnerable_file_gives_what_it_says(text: str) -> None:
    assert bad(text) == expected(text)


@pytest.mark.parametrize("text", [SAFE_FASTAPI, SAFE_FLASK, SAFE_SERVICES])
def test_a_safe_file_gives_nothing_bad_and_much_good(text: str) -> None:
    assert bad(text) == set()
    assert sum(any(site.ok for site in sites(rule, text)) for rule in RULES) >= 8


def test_suppression_comments_change_nothing() -> None:
    line = 'cur.execute(f"SELECT * FROM users WHERE id = {user_id}")'
    for comment in ("# noqa", "# noqa: S608", "# nosec", "# type: ignore", "# pylint: disable=all"):
        assert bad(f"{line}  {comment}\n") == {("py-sql-injection", 1)}
        assert bad(f"# ruff: noqa\n{line}\n") == {("py-sql-injection", 2)}


def test_words_in_comments_and_strings_neither_accuse_nor_excuse() -> None:
    assert bad('# eval(request.args["x"]), password = "hunter2"\n"""jwt.decode(t, verify=False)"""\n') == set()
    debit = "account = db.query(Account).get(1)\naccount.balance -= 5  # with_for_update\n"
    text = "def debit(db):\n" + "".join(f"    {line}\n" for line in debit.splitlines())
    assert bad(text) == {("py-read-then-write", 3)}


def test_the_last_assignment_on_the_way_counts() -> None:
    text = (
        'sql = "SELECT 1"\ncur.execute(sql)\nsql = f"SELECT * FROM t WHERE id = \'{x}\'"\ncur.execute(sql)\n'
        'sql = "SELECT 2"\ncur.execute(sql)\n'
    )
    assert bad(text) == {("py-sql-injection", 4)}


def test_aliases_are_followed() -> None:
    assert bad("from requests import post as send\nsend(url)\n") == {("py-http-no-timeout", 2)}
    assert bad("import subprocess as sp\nsp.run(line, shell=True)\n") == {("py-shell-injection", 2)}
    assert bad("def f(requests):\n    requests.get(url)\n") == set()


def test_test_files_may_hold_made_up_secrets() -> None:
    text = 'PASSWORD = "correct-horse-1"\n'
    assert bad(text) == {("py-hardcoded-secret", 1)}
    assert bad(text, "tests/test_login.py") == set()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (">>> import os\n>>> os.system('ping ' + host)\n", 2),
        ("    import os\n    os.system('ping ' + host)\n", 2),
        ("def setup():\n    # ... as before\n\nos.system('ping ' + host)\n", 4),
        ("... rest of the imports\nos.system('ping ' + host)\n", 2),
        ("class A:\n    def b(self):\n        ... unchanged\n    def c(self):\n        os.system('ping ' + x)\n", 5),
    ],
)
def test_text_that_is_nearly_python_is_read(text: str, line: int) -> None:
    assert ("py-shell-injection", line) in bad(text)


@pytest.mark.parametrize(
    "text", ["def f(:\n", "const a = 1;\nfunction b() {}\n", "SELECT * FROM t;\n", "x = (\n", "\0"]
)
def test_text_that_is_not_python_is_an_error_not_a_pass(text: str) -> None:
    for rule in RULES:
        with pytest.raises(ToolError):
            sites(rule, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "\n\n",
        "x = " + "(" * 60 + "1" + ")" * 60 + "\n",
        "x = " + " + ".join(["a"] * 3000) + "\n",
        "".join("    " * depth + "if a:\n" for depth in range(90)) + "    " * 90 + "pass\n",
        "lambda: (yield)\nawait x\nreturn\n",
        "a = b\nb = a\ncur.execute(a)\n",
        "x = x + 'SELECT * FROM t'\ncur.execute(x)\n",
        "def f(a=f):\n    return f(f(a))\nf(f)\n",
        "class self: self.a = self.a\n",
        "for a, (b, *c) in d: a = b = c = a\n",
        "match x:\n    case {'password': p}: print(p)\n",
        "try:\n    pass\nexcept* ValueError:\n    pass\n",
        "re.compile('\\d')\n",
    ],
)
def test_odd_input_crashes_nothing(text: str) -> None:
    for rule in RULES:
        try:
            found = sites(rule, text)
        except ToolError:
            continue
        assert all(1 <= site.line <= text.count("\n") + 1 for site in found)


def test_a_long_file_comes_to_an_end() -> None:
    text = SAFE_FLASK * 10
    assert text.count("\n") > 1500
    started = time.process_time()
    bad(text)
    assert time.process_time() - started < 30  # a guard against growth without bound, no measure of speed
