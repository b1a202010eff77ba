"""The rules on JavaScript and TypeScript: their own examples, whole files, look-alikes, and input that is no program."""

from __future__ import annotations

import time

import pytest

from graders.rules.js_connections import RULES_CONNECTIONS
from graders.rules.js_cookies import RULES_COOKIES
from graders.rules.js_crypto import RULES_CRYPTO
from graders.rules.js_data import RULES_DATA
from graders.rules.js_error_leak import RULES_ERROR_LEAK
from graders.rules.js_errors import RULES_ERRORS
from graders.rules.js_files import RULES_FILES
from graders.rules.js_injection import RULES_INJECTION
from graders.rules.js_jwt import RULES_JWT
from graders.rules.js_jwt_claims import RULES_JWT_CLAIMS
from graders.rules.js_network import RULES_NETWORK
from graders.rules.js_passwords import RULES_PASSWORDS
from graders.rules.js_promises import RULES_PROMISES
from graders.rules.js_secrets import RULES_SECRETS
from graders.rules.js_transactions import RULES_TRANSACTIONS
from graders.rules.js_users import RULES_USERS
from graders.rules.js_web import RULES_WEB
from graders.rules.rule import Rule, Site
from graders.rules.source import Source, run_tools

RULES: tuple[Rule, ...] = (
    *RULES_JWT,
    *RULES_JWT_CLAIMS,
    *RULES_SECRETS,
    *RULES_INJECTION,
    *RULES_FILES,
    *RULES_CRYPTO,
    *RULES_PASSWORDS,
    *RULES_NETWORK,
    *RULES_TRANSACTIONS,
    *RULES_CONNECTIONS,
    *RULES_ERRORS,
    *RULES_PROMISES,
    *RULES_ERROR_LEAK,
    *RULES_WEB,
    *RULES_COOKIES,
    *RULES_DATA,
    *RULES_USERS,
)


def sites(rule: Rule, text: str, language: str, file: str | None = None) -> list[Site]:
    source = Source(text=text, language=language, file=file)
    run_tools([source], frozenset(rule.tools))
    return list(rule.check(source))


def bad(text: str, language: str = "javascript", file: str | None = None) -> set[tuple[str, int]]:
    """(rule without its prefix, line) of every bad site."""
    return {
        (rule.id.removeprefix("js-"), site.line)
        for rule in RULES
        for site in sites(rule, text, language, file)
        if not site.ok
    }


def is_typescript_only(text: str) -> bool:
    return any(mark in text for mark in (": string", " as const", " as Error"))


CASES = [pytest.param(rule, example, id=f"{rule.id}-{i}") for rule in RULES for i, example in enumerate(rule.BAD)]
SOUND = [pytest.param(rule, example, id=f"{rule.id}-{i}") for rule in RULES for i, example in enumerate(rule.GOOD)]


@pytest.mark.parametrize(("rule", "example"), CASES)
def test_a_bad_example_gives_a_bad_site(rule: Rule, example: str) -> None:
    languages = ("typescript",) if is_typescript_only(example) else rule.languages
    for language in languages:
        found = [site for site in sites(rule, example, language) if not site.ok]
        assert found, language
        assert all(site.message and site.quote in example for site in found)


@pytest.mark.parametrize(("rule", "example"), SOUND)
def test_a_good_example_gives_no_bad_site(rule: Rule, example: str) -> None:
    for language in rule.languages:
        assert [site for site in sites(rule, example, language) if not site.ok] == [], language


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_some_good_example_gives_a_good_site(rule: Rule) -> None:
    assert any(site.ok for example in rule.GOOD for site in sites(rule, example, "typescript"))


def test_rules_are_described_and_unique() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) >= 20
    for rule in RULES:
        assert rule.id.startswith("js-")
        assert len((type(rule).__doc__ or "").split(".")) > 2
        assert len(rule.BAD) >= 2
        assert len(rule.GOOD) >= 2


VULNERABLE_JS = r"""const express = require('express');
const jwt = require('jsonwebtoken');
const bcrypt = require('bcrypt');
const mysql = require('mysql2/promise');
const fs = require('fs');
const path = require('path');
const axios = require('axios');
const { exec } = require('child_process');
const cors = require('cors');

const app = express();
app.use(express.json());
app.use(cors({ origin: true, credentials: true }));

const SECRET_KEY = 'mysecretkey123';
const db = mysql.createPool({ host: 'localhost', user: 'root', password: 'root1234', database: 'shop' });

function verifyToken(req, res, next) {
  const token = req.headers['authorization']?.split(' ')[1] || req.query.token;
  if (!token) return res.status(403).send('No token');
  jwt.verify(token, SECRET_KEY, (err, decoded) => {
    if (err) return res.status(500).send({ auth: false, message: err.message });
    req.userId = decoded.id;
    next();
  });
}

app.post('/register', async (req, res) => {
  try {
    const hash = await bcrypt.hash(req.body.password, 8);
    const [result] = await db.query(`INSERT INTO users (email, password) VALUES ('${req.body.email}', '${hash}')`);
    res.json({ id: result.insertId });
  } catch (e) {
    res.status(500).json(e);
  }
});

app.post('/login', async (req, res) => {
  const [rows] = await db.query('SELECT * FROM users WHERE email = ?', [req.body.email]);
  const user = rows[0];
  if (user.password !== req.body.password) return res.status(401).end();
  const token = jwt.sign({ id: user.id, email: user.email, password: user.password }, SECRET_KEY);
  res.cookie('token', token, { maxAge: 900000 });
  res.json({ user, token });
});

app.get('/files/:name', verifyToken, (req, res) => {
  fs.readFile('./uploads/' + req.params.name, (err, data) => {
    res.send(data);
  });
});

app.get('/ping', (req, res) => {
  const host = req.query.host;
  exec('ping -c 1 ' + host, (error, stdout, stderr) => {
    if (error) {
      return res.status(500).send(error.message);
    }
    res.send(stdout);
  });
});

app.post('/transfer', verifyToken, async (req, res) => {
  const { from, to, amount } = req.body;
  await db.query('START TRANSACTION');
  try {
    await db.query('UPDATE accounts SET balance = balance - ? WHERE id = ?', [amount, from]);
    await db.query('UPDATE accounts SET balance = balance + ? WHERE id = ?', [amount, to]);
    await db.query('COMMIT');
  } catch (err) {
    console.log(err);
  }
  res.json({ success: true });
});

app.post('/reset', async (req, res) => {
  const resetToken = Math.random().toString(36).substring(2);
  db.query('UPDATE users SET reset = ? WHERE email = ?', [resetToken, req.body.email]);
  await axios.post('https://mail.example/send', { to: req.body.email });
  res.send('ok');
});

app.put('/users/:id', async (req, res) => {
  const updated = await User.findByIdAndUpdate(req.params.id, req.body, { new: true });
  res.json(updated);
});

app.get('/users', async (req, res) => {
  const users = await User.findAll();
  res.json(users);
});

app.get('/calc', (req, res) => {
  res.send(String(eval(req.query.q)));
});

app.get('/conn', async (req, res) => {
  const conn = await db.getConnection();
  const [rows] = await conn.query('SELECT 1');
  conn.release();
  res.json(rows);
});

app.use((err, req, res, next) => {
  res.status(500).json({ message: err.message, stack: err.stack });
});

app.listen(3000);
"""

VULNERABLE_JS_SITES = {
    ("cors-wildcard-credentials", 13),
    ("hardcoded-secret", 15),
    ("hardcoded-secret", 16),
    ("token-in-query", 19),
    ("jwt-algorithm-unpinned", 21),
    ("jwt-audience-issuer-unchecked", 21),
    ("error-leak", 22),
    ("weak-password-hash", 30),
    ("sql-injection", 31),
    ("error-leak", 34),
    ("weak-password-hash", 41),
    ("jwt-no-expiry", 42),
    ("sensitive-claims", 42),
    ("insecure-cookie", 43),
    ("user-dump", 44),
    ("path-traversal", 48),
    ("swallowed-error", 48),
    ("command-injection", 55),
    ("error-leak", 57),
    ("transaction-on-pool", 65),
    ("transaction-on-pool", 69),
    ("swallowed-error", 70),
    ("weak-random", 77),
    ("floating-promise", 78),
    ("fetch-no-timeout", 79),
    ("mass-assignment", 84),
    ("user-dump", 85),
    ("user-dump", 90),
    ("eval", 94),
    ("unreleased-client", 98),
    ("error-leak", 105),
}

VULNERABLE_TS = r"""import { Injectable } from '@nestjs/common';
import * as jwt from 'jsonwebtoken';
import { createHash } from 'crypto';
import { PrismaClient } from '@prisma/client';
import { Pool } from 'pg';

const prisma = new PrismaClient();
const config = {
  jwtSecret: process.env.JWT_SECRET ?? 'change-me-please',
  db: { url: process.env.DATABASE_URL || 'postgresql://postgres:postgres@localhost:5432/app' },
  signOptions: { algorithm: 'HS256' as const },
};

@Injectable()
export class AuthService {
  private readonly pool: Pool = new Pool({ ssl: { rejectUnauthorized: false } });

  async validate(email: string, password: string): Promise<User | null> {
    const digest = createHash('md5').update(password).digest('hex');
    const sql = "SELECT * FROM users WHERE email = '" + email + "' AND password = '" + digest + "'";
    const { rows } = await this.pool.query(sql);
    return rows[0] ?? null;
  }

  issue(user: User): string {
    return jwt.sign({ sub: user.id }, config.jwtSecret, config.signOptions);
  }

  currentUser(token: string): any {
    return jwt.decode(token);
  }

  check(token: string) {
    return jwt.verify(token, config.jwtSecret, { ignoreExpiration: true });
  }

  async search(term: string) {
    return prisma.$queryRawUnsafe(`SELECT id FROM notes WHERE body LIKE '%${term}%'`);
  }

  async move(a: string, b: string, n: number) {
    await this.pool.query('BEGIN');
    await this.pool.query('UPDATE a SET n = n - $1 WHERE id = $2', [n, a]);
    await this.pool.query('COMMIT');
  }

  async notify(url: string) {
    try {
      await fetch(url, { method: 'POST' });
    } catch (e) {}
    this.audit(url);
  }

  private async audit(url: string) {
    await prisma.audit.create({ data: { url } });
  }
}
"""

VULNERABLE_TS_SITES = {
    ("hardcoded-secret", 9),
    ("hardcoded-secret", 10),
    ("tls-off", 16),
    ("weak-password-hash", 19),
    ("sql-injection", 21),
    ("jwt-no-expiry", 26),
    ("jwt-decode-as-verify", 30),
    ("jwt-algorithm-unpinned", 34),
    ("jwt-audience-issuer-unchecked", 34),
    ("jwt-ignore-expiration", 34),
    ("sql-injection", 38),
    ("transaction-on-pool", 42),
    ("transaction-on-pool", 44),
    ("fetch-no-timeout", 49),
    ("swallowed-error", 50),
    ("floating-promise", 51),
}

SAFE_JS = r"""'use strict';
const express = require('express');
const crypto = require('node:crypto');
const jwt = require('jsonwebtoken');
const bcrypt = require('bcryptjs');
const rateLimit = require('express-rate-limit');
const { z } = require('zod');
const store = require('./store');

const JWT_SECRET = process.env.JWT_SECRET;
if (!JWT_SECRET || JWT_SECRET.length < 32) {
  throw new Error('JWT_SECRET must be set to at least 32 characters');
}
const ISSUER = 'https://id.notes.example';
const AUDIENCE = 'notes-api';
const ACCESS_TTL = '15m';
const REFRESH_COOKIE = 'refresh_token';
const DUMMY_HASH = bcrypt.hashSync('dummy-password', 12);
const VERIFY_OPTIONS = Object.freeze({ algorithms: ['HS256'], issuer: ISSUER, audience: AUDIENCE, clockTolerance: 5 });

const credentials = z.object({ email: z.string().email().max(254), password: z.string().min(8).max(72) }).strict();

class HttpError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
    this.expose = status < 500;
  }
}

const hashToken = (token) => crypto.createHash('sha256').update(token).digest('hex');
const newRefreshToken = () => crypto.randomBytes(32).toString('base64url');

function signAccess(user) {
  return jwt.sign({ role: user.role }, JWT_SECRET, {
    algorithm: 'HS256',
    subject: user.id,
    issuer: ISSUER,
    audience: AUDIENCE,
    expiresIn: ACCESS_TTL,
    jwtid: crypto.randomUUID(),
  });
}

function authenticate(req, res, next) {
  const [scheme, token] = (req.headers.authorization || '').split(' ');
  if (scheme !== 'Bearer' || !token) {
    return res.status(401).json({ error: 'authentication required' });
  }
  try {
    const claims = jwt.verify(token, JWT_SECRET, VERIFY_OPTIONS);
    req.user = { id: claims.sub, role: claims.role };
    return next();
  } catch (err) {
    req.log?.info({ err }, 'token refused');
    return res.status(401).json({ error: 'invalid or expired token' });
  }
}

const requireRole = (role) => (req, res, next) =>
  req.user.role === role ? next() : res.status(403).json({ error: 'forbidden' });

const publicUser = ({ id, email, role }) => ({ id, email, role });

const cookieOptions = {
  httpOnly: true,
  secure: process.env.NODE_ENV === 'production',
  sameSite: 'strict',
  path: '/auth',
};

async function issueTokens(user, family = crypto.randomUUID()) {
  const refreshToken = newRefreshToken();
  await store.saveRefresh({ hash: hashToken(refreshToken), userId: user.id, family, expiresAt: Date.now() + 7 * 864e5 });
  return { accessToken: signAccess(user), refreshToken };
}

const app = express();
app.disable('x-powered-by');
app.use(express.json({ limit: '10kb' }));
const limiter = rateLimit({ windowMs: 15 * 60 * 1000, limit: 10, standardHeaders: true });

app.post('/auth/register', limiter, async (req, res) => {
  const { email, password } = credentials.parse(req.body);
  const passwordHash = await bcrypt.hash(password, 12);
  const user = await store.createUser({ email: email.toLowerCase(), passwordHash, role: 'user' });
  res.status(201).json({ id: user.id, email: user.email });
});

app.post('/auth/login', limiter, async (req, res) => {
  const { email, password } = credentials.parse(req.body);
  const user = await store.findUserByEmail(email);
  const ok = await bcrypt.compare(password, user ? user.passwordHash : DUMMY_HASH);
  if (!user || !ok) throw new HttpError(401, 'wrong email or password');
  const tokens = await issueTokens(user);
  res.cookie(REFRESH_COOKIE, tokens.refreshToken, { ...cookieOptions, maxAge: 7 * 864e5 });
  res.json({ accessToken: tokens.accessToken });
});

app.post('/auth/logout', async (req, res) => {
  const token = req.cookies[REFRESH_COOKIE];
  if (token) await store.revoke(hashToken(token));
  res.clearCookie(REFRESH_COOKIE, cookieOptions);
  res.sendStatus(204);
});

app.get('/me', authenticate, async (req, res) => {
  const user = await store.findUserById(req.user.id);
  if (!user) throw new HttpError(404, 'no such user');
  res.json(publicUser(user));
});

app.get('/admin/users', authenticate, requireRole('admin'), async (req, res) => {
  const users = await store.listUsers();
  res.json(users.map(publicUser));
});

app.use((req, res) => res.status(404).json({ error: 'not found' }));

app.use((err, req, res, _next) => {
  if (err instanceof z.ZodError) {
    return res.status(400).json({ error: 'invalid input', issues: err.issues.map((i) => ({ path: i.path, message: i.message })) });
  }
  if (err.expose) {
    return res.status(err.status).json({ error: err.message });
  }
  console.error(err);
  return res.status(500).json({ error: 'internal error', requestId: req.id });
});

if (require.main === module) {
  const server = app.listen(process.env.PORT || 3000);
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
}

module.exports = app;
"""

SAFE_TS = r"""import { Router, type Request, type Response, type NextFunction } from 'express';
import { Pool, type PoolClient } from 'pg';
import { randomUUID, createHmac, timingSafeEqual } from 'node:crypto';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { logger } from './logger';

const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 10, ssl: { rejectUnauthorized: true } });
const PSP_URL = process.env.PSP_URL!;
const WEBHOOK_SECRET = requireEnv('WEBHOOK_SECRET');
const MAX_ATTEMPTS = 3;
const SORTABLE = { created: 'created_at', amount: 'amount_minor' } as const;
const TEMPLATES = path.join(__dirname, 'templates');

function requireEnv(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is required`);
  return value;
}

const Payment = z.object({ accountId: z.string().uuid(), amountMinor: z.number().int().positive(), currency: z.enum(['EUR', 'USD']) });

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

export async function withTransaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError) => logger.error({ rollbackError }, 'rollback failed'));
    throw error;
  } finally {
    client.release();
  }
}

async function charge(key: string, amount: number): Promise<{ id: string }> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(`${PSP_URL}/charges`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ amount }),
        signal: AbortSignal.timeout(5_000),
      });
      if (!response.ok) throw new Error(`PSP answered ${response.status}`);
      return (await response.json()) as { id: string };
    } catch (error) {
      if (attempt >= MAX_ATTEMPTS) throw error;
      await sleep(2 ** attempt * 100 + Math.random() * 50);
    }
  }
}

export const router = Router();

router.post('/payments', async (req: Request, res: Response, next: NextFunction) => {
  try {
    const input = Payment.parse(req.body);
    const key = req.get('Idempotency-Key');
    if (!key) return res.status(400).json({ error: 'Idempotency-Key is required' });
    const payment = await withTransaction(async (client) => {
      const { rows } = await client.query(
        `INSERT INTO payments (id, key, account_id, amount_minor, currency, status)
         VALUES ($1, $2, $3, $4, $5, 'pending') ON CONFLICT (key) DO NOTHING RETURNING id, status`,
        [randomUUID(), key, input.accountId, input.amountMinor, input.currency],
      );
      return rows[0];
    });
    const charged = await charge(key, input.amountMinor);
    await pool.query('UPDATE payments SET status = $2, psp_id = $3 WHERE id = $1', [payment.id, 'paid', charged.id]);
    return res.status(201).json(payment);
  } catch (error) {
    return next(error);
  }
});

router.get('/payments', async (req, res, next) => {
  try {
    const { status, sort = 'created', order, limit } = req.query;
    const column = SORTABLE[sort as keyof typeof SORTABLE] ?? 'created_at';
    const direction = order === 'asc' ? 'ASC' : 'DESC';
    const size = Math.min(Number(limit) || 20, 100);
    const conditions: string[] = [];
    const values: unknown[] = [];
    if (status) {
      values.push(status);
      conditions.push(`status = $${values.length}`);
    }
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    values.push(size);
    const { rows } = await pool.query(
      `SELECT id, status, amount_minor FROM payments ${where} ORDER BY ${column} ${direction} LIMIT $${values.length}`,
      values,
    );
    res.json({ items: rows });
  } catch (error) {
    next(error);
  }
});

router.patch('/payments/:id', async (req, res, next) => {
  try {
    const ALLOWED = ['note', 'reference'];
    const fields = Object.keys(req.body).filter((field) => ALLOWED.includes(field));
    const sets = fields.map((field, i) => `${field} = $${i + 2}`).join(', ');
    await pool.query(`UPDATE payments SET ${sets} WHERE id = $1`, [req.params.id, ...fields.map((f) => req.body[f])]);
    res.sendStatus(204);
  } catch (error) {
    next(error);
  }
});

router.get('/receipts/:name', async (req, res, next) => {
  const full = path.resolve(TEMPLATES, req.params.name);
  if (!full.startsWith(TEMPLATES + path.sep)) return res.status(400).json({ error: 'bad name' });
  try {
    const text = await readFile(full, 'utf8');
    execFile('wkhtmltopdf', ['-', '-'], { timeout: 5000 }, (err, out) => (err ? next(err) : res.send(out)));
    logger.debug(text.length);
  } catch (error) {
    next(error);
  }
});

router.post('/webhooks/psp', (req, res) => {
  const expected = createHmac('sha256', WEBHOOK_SECRET).update(req.body).digest();
  const given = Buffer.from(String(req.headers['x-signature'] ?? ''), 'hex');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return res.status(401).end();
  }
  let event: { type: string };
  try {
    event = JSON.parse(req.body.toString());
  } catch {
    return res.status(400).end();
  }
  logger.info({ type: event.type }, 'webhook');
  return res.sendStatus(202);
});

export class PaymentRepository {
  constructor(private readonly pool: Pool) {}

  async byIds(ids: string[]) {
    const marks = ids.map((_, i) => `$${i + 1}`).join(',');
    const { rows } = await this.pool.query(`SELECT id FROM payments WHERE id IN (${marks})`, ids);
    return rows;
  }

  async insertMany(items: Array<{ id: string; amount: number }>) {
    const params: unknown[] = [];
    const tuples = items.map((item) => {
      params.push(item.id, item.amount);
      return `($${params.length - 1}, $${params.length})`;
    });
    await this.pool.query(`INSERT INTO lines (id, amount) VALUES ${tuples.join(', ')}`, params);
  }
}

export function errorHandler(err: unknown, req: Request, res: Response, _next: NextFunction): void {
  const status = err instanceof AppError ? err.status : 500;
  const message = err instanceof AppError ? err.message : 'Internal Server Error';
  logger.error({ err }, 'request failed');
  res.status(status).json({ error: message, ...(process.env.NODE_ENV !== 'production' && { stack: (err as Error).stack }) });
}

export class AppError extends Error {
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

process.on('unhandledRejection', (reason) => {
  logger.fatal({ reason });
  process.exit(1);
});
"""


def test_a_vulnerable_express_application() -> None:
    assert bad(VULNERABLE_JS) == VULNERABLE_JS_SITES


def test_a_vulnerable_typescript_service() -> None:
    assert bad(VULNERABLE_TS, "typescript") == VULNERABLE_TS_SITES


def test_sound_files_give_no_bad_site_and_many_good_ones() -> None:
    assert bad(SAFE_JS) == set()
    assert bad(SAFE_TS, "typescript") == set()
    judged = {
        rule.id
        for rule in RULES
        for text, language in ((SAFE_JS, "javascript"), (SAFE_TS, "typescript"))
        if sites(rule, text, language)
    }
    assert len(judged) >= 15


LOOK_ALIKES = r"""
const q = format('SELECT * FROM %I WHERE id = %L', table, id); await client.query(q);

const rows = await db.query(`SELECT * FROM users WHERE id IN (${ids.map(() => '?').join(',')})`, ids);

const ph = new Array(ids.length).fill('?').join(', ');
db.all(`SELECT * FROM t WHERE id IN (${ph})`, ids);

async function f(name) { return sequelize.query('SELECT * FROM u WHERE n = :name', { replacements: { name }
  }); }

class R { static TABLE = 't'; async f(id) { return this.db.one(`select * from ${R.TABLE} where id = $1`,
  [id]); } }

class R { constructor(db) { this.db = db; this.table = 'notes'; } async f(id) {
  return this.db.one(`select * from ${this.table} where id = $1`, [id]); } }

const limit = parseInt(req.query.limit, 10) || 10; const offset = (page - 1) * limit;
  db.query(`SELECT * FROM t LIMIT ${limit} OFFSET ${offset}`);

let sql = 'SELECT * FROM t WHERE 1=1'; const v = []; if (a) { v.push(a); sql += ` AND a = $${v.length}`; }
  if (b) { sql += ' AND b = ?'; } sql += ' ORDER BY id'; await db.query(sql, v);

const sets = Object.keys(patch).map((k, i) => `${COLUMNS[k]} = $${i + 2}`);
  await pool.query(`UPDATE t SET ${sets.join(', ')} WHERE id = $1`, [id]);

const idx = 1; const updates = []; if (name) { updates.push(`name = $${idx++}`); }
  await pool.query(`UPDATE t SET ${updates.join(', ')} WHERE id = $${idx}`, v);

const sortCol = ['a','b'].includes(req.query.s) ? req.query.s : 'a';
  await pool.query(`SELECT * FROM t ORDER BY ${sortCol}`);

function list(sort) { if (!ALLOWED.has(sort)) throw new Error('x');
  return pool.query(`SELECT * FROM t ORDER BY ${sort}`); }

await pool.query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}`);

await client.query(`SET statement_timeout = ${Number(ms)}`);

const FIELDS = ['id', 'name']; await pool.query(`SELECT ${FIELDS.join(', ')} FROM t`);

const cols = 'id, name'; const sql = `SELECT ${cols} FROM t` + ' WHERE id = $1'; await pool.query(sql, [id]);

await pool.query(sql, params);

const { text, values } = build(); await pool.query(text, values);

for (const table of ['a', 'b']) { await client.query(`TRUNCATE ${table}`); }

for (const [name, type] of Object.entries(TYPES)) { await client.query(`ALTER TABLE t ADD ${name} ${type}`); }

const stmt = db.prepare('SELECT * FROM t WHERE a = ?'); stmt.get(a); cache.get(`select:${a}`);
  app.get(`/select/${x}`, h);

repo.createQueryBuilder('u').where('u.name = :name', { name }).getMany();

logger.info(`Update user ${id}`); span.set(`delete from ${x}`); map.get(`with ${y}`);

async function f(limit: number) { await db.query(`SELECT 1 LIMIT ${limit}`); }

const c = await pool.query(`SELECT * FROM ${pool.escapeIdentifier(t)} WHERE id = $1`, [id]);
  await conn.query('SELECT * FROM ' + mysql.escapeId(t));

const base = `SELECT id FROM t`; const rows = await db.query(`${base} WHERE id = $1`, [id]);

const now = new Date().toISOString(); await db.query(`INSERT INTO t VALUES ('${now}')`);

await knex.raw('select ?? from t where id = ?', ['a', id]); await knex.raw('SELECT 1');

const filter = status ? sql`AND s = ${status}` : sql``; await sql`SELECT * FROM t WHERE 1=1 ${filter}`;

await prisma.$executeRaw(Prisma.sql`UPDATE t SET a = ${a}`);

await prisma.$executeRawUnsafe('UPDATE t SET a = $1', a);

await client.query(`LISTEN ${CHANNEL}`); await client.query('NOTIFY x');

const key = BigInt(hash(id)); await client.query(`SELECT pg_advisory_xact_lock(${key})`);

const schema = process.env.DB_SCHEMA; await client.query(`CREATE SCHEMA ${schema}`);

const cp = require('child_process'); cp.spawn('ls', [req.query.d]);

const { execSync } = require('child_process'); const OUT = path.join(__dirname, 'x'); execSync(`rm -rf ${OUT}`);

const { exec } = require('child_process'); exec(cmds[i], cb);

const db = new Database(':memory:'); db.exec(`CREATE TABLE x (id int)`); /x/.exec(y + z); regex.exec(`${a}`);

class A { eval(x) { return x } } ; new A().eval('1'); const fn = Function.prototype.call; obj.eval(x)

app.get('/x', async (req, res, next) => {
try { await f(); } catch (err) { return res.status(400).json({ error: err.message }); }
});

app.get('/x', async (req, res, next) => {
try { await f(); } catch (e) { if (e.code === '23505') { return res.status(409).json({ error: 'exists' }); }
  next(e); }
});

app.get('/x', async (req, res, next) => {
try { await f(); } catch (e) { if (e instanceof NotFoundError) { return res.status(404).json({
  error: e.message }); } next(e); }
});

app.use((err, req, res, next) => { if (!(err instanceof AppError)) { return res.status(500).json({
  error: 'x' }); } res.status(err.status).json({ error: err.message }); });

app.use((err, req, res, next) => { let message = err.message; const status = err.status || 500;
  if (status >= 500) { message = 'Internal'; } res.status(status).json({ error: message }); });

app.use((err, req, res, next) => { const isProd = process.env.NODE_ENV === 'production';
  res.status(500).json({ error: isProd ? 'Internal' : err.message }); });

app.use((err, req, res, next) => { const { statusCode = 500, message } = err; res.status(statusCode).json({
  error: statusCode < 500 ? message : 'Internal' }); });

fastify.setErrorHandler((error, request, reply) => { request.log.error(error); reply.status(500).send({
  error: 'Internal', code: error.code }); });

app.use(async (ctx, next) => { try { await next(); } catch (err) { ctx.status = err.status || 500;
  ctx.body = err.expose ? { error: err.message } : { error: 'Internal' }; } });

app.get('/x', async (req, res, next) => {
try { await f(); } catch (err) { const status = mapStatus(err); const body = toProblem(err);
  res.status(status).json(body); }
});

const errorHandler = (err, req, res, next) => {
 const body = { error: { code: err.code || 'INTERNAL',
  message: err.isOperational ? err.message : 'Internal server error' } };
 if (process.env.NODE_ENV === 'development') { body.stack = err.stack; }
 res.status(err.statusCode || 500).json(body);
};

load().then(r => res.json(r)).catch(err => { log(err); res.status(500).json({ message: 'failed' }); });

app.get('/x', async (req, res, next) => {
try { f(); } catch (err) { if (err.name === 'ValidationError') return res.status(422).json({
  errors: err.errors }); return res.status(503).json({ error: 'x', retryable: true }); }
});

app.get('/x', async (req, res, next) => {
try { f(); } catch (err) { switch (err.code) { case 'A': return res.status(402).json({ m: err.message });
  default: return res.status(500).json({ m: 'x' }); } }
});

app.get('/x', async (req, res, next) => {
try { f(); } catch (err) { res.status(err.status ?? 500).json({ error: err.publicMessage }); }
});

process.on('uncaughtException', (err) => { console.error(err.stack); process.exit(1); });

jwt.verify(t, k, o, (err, claims) => { if (err) return res.status(401).json({ error: 'Invalid token' });
  req.user = claims; next(); });

class AppError extends Error { toJSON() { return { error: this.message }; } }
app.use((err, req, res, next) => {
  if (err instanceof AppError) return res.status(err.status).json(err.toJSON()); res.status(500).json({
  e: 'x' }); });

app.use((err, req, res, next) => { const known = err instanceof AppError;
  res.status(known ? err.status : 500).json({ error: known ? err.message : 'Internal' }); });

app.use((err, req, res, next) => { const e = err instanceof AppError ? err : new AppError(500, 'Internal');
  res.status(e.status).json({ error: e.message }); });

app.use((err, req, res, next) => { const e = normalize(err); res.status(e.status).json({
  error: e.message }); });

try { await client.query('ROLLBACK'); } catch {}

process.on('SIGTERM', async () => { try { await server.close(); } catch (e) {} });

const body = await res.json().catch(() => ({}));

saveOrder(o).catch(next); saveOrder(o).catch((e) => { logger.error(e); });

await fs.unlink(tmp).catch(() => {}); await redis.quit().catch(() => {});

app.get('/x', async (req, res, next) => {
let user = null; try { user = await find(); } catch (e) { logger.warn(e); return res.status(503).end(); }
  res.json({ ok: user.id });
});

db.query('SELECT 1', [], function (_err, rows) { res.json(rows); }); emitter.on('x', (error,
  info) => use(info));

async function f() { db.query('SELECT 1', cb); }
const cb = () => {};

async function f() { await Promise.all([save(1), save(2)]); return save(3); }
async function save(x) { await g(x); }

const save = async (x) => { await g(x); };
setInterval(() => { save(1); }, 1000);

async function f() { for (const x of xs) { await save(x); } items.forEach((i) => console.log(i)); }
async function save() { await g(); }

async function f() { fetch(url).then(ok).catch(bad); fetch(url).then(ok, bad); void fetch(url);
  const x = fetch(u); return x; }

async function f() { const map = new Map(); store.set(a, b); cache.delete(k); const store = new Map();
  store.delete(k); }

class A { async run() { this.timer = setInterval(() => this.tick(), 10); this.log('x'); } async tick() {
  await g(); } log(x) { } }

async function run() { await x(); }
if (require.main === module) { run(); }

async function f() { user.save((err) => { if (err) throw err; }); }

router.get('/', async (req, res) => { res.json(await list()); });
async function list() { return db.query('X'); }

const d = jwt.decode(token, { complete: true }); const key = await getKey(d.header.kid);
  const claims = jwt.verify(token, key, { algorithms: ['RS256'] });

function remaining(token) { const decoded = jwt.decode(token);
  return decoded ? decoded.exp - Date.now() / 1000 : 0; }

import jwt from 'jwt-simple'; const u = jwt.decode(token, secret);

function verify(t) { const [h, p, s] = t.split('.'); const expected = crypto.createHmac('sha256',
  key).update(`${h}.${p}`).digest(); if (!crypto.timingSafeEqual(expected, Buffer.from(s,
  'base64url'))) throw new Error('bad'); return JSON.parse(Buffer.from(p, 'base64url').toString()); }

function kid(t) { return JSON.parse(Buffer.from(t.split('.')[0], 'base64url').toString()).kid; }

const { verify } = require('jsonwebtoken'); const c = verify(t, key, { issuer: 'a', audience: 'b',
  algorithms: config.algs });

function makeToken(user, expiresIn) { return jwt.sign({ id: user.id }, key, { expiresIn,
  algorithm: 'HS256' }); }

const signOptions = { algorithm: 'HS256' }; signOptions.expiresIn = '1h'; jwt.sign({ a }, key, signOptions);

import jwt, { type SignOptions } from 'jsonwebtoken'; const o: SignOptions = { expiresIn: '1h' };
  export const s = (p: object) => jwt.sign(p, key, o);

const payload = { sub: id, iat: now, exp: now + 900 }; return jwt.sign(payload, key, { algorithm: 'HS256' });

const payload = { sub: id }; payload.exp = now + 900; return jwt.sign(payload, key, { algorithm: 'HS256' });

const signer = new jose.SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' });
  signer.setExpirationTime('1h'); const t = await signer.sign(key);

this.jwtService.sign({ sub: user.id }); this.jwtService.signAsync(payload); crypto.sign('sha256', d, k);
  wallet.sign(tx);

async function f() { const user = await prisma.user.findUnique({ where: { email }, select: { id: true } });
  return jwt.sign(user, key, { expiresIn: '1h' }); }

async function f() { const user = await User.findOne({ email }); return jwt.sign({ user: user.id,
  email: user.email }, key, { expiresIn: '1h' }); }

const id = Math.random(); const jitterMs = Math.random() * 100; setTimeout(retry, Math.random() * 1000);
  const pick = xs[Math.floor(Math.random() * xs.length)];

await sleep(base + Math.random() * 100); const statusCode = Math.random() > 0.5 ? 200 : 500;
  const keyframes = Math.random();

const salt = await bcrypt.genSalt(10); const h = await bcrypt.hash(password, salt);
  const h2 = await bcrypt.hash(password, Number(process.env.R) || 12);

const h = crypto.pbkdf2Sync(password, salt, 310000, 32, 'sha256'); const k = await scryptAsync(password,
  salt, 64);

const user = await User.findOne({ email }).select('+password');
  if (req.body.password !== req.body.passwordConfirm) throw 1; if (typeof user.password === 'string') f();

const sha = crypto.createHash('sha256').update(file).digest('hex');
  const pwned = crypto.createHash('sha1').update(prefix).digest('hex');

const etag = md5(body); const digest = createHash('sha256').update(apiKey).digest();

if (body.password === body.password2) f(); schema.refine((d) => d.password === d.confirmPassword);

const ssl = process.env.NODE_ENV === 'production' ? { rejectUnauthorized: true } : false;

res.cookie('jwt', token, { httpOnly: true, secure: isProd, sameSite: 'lax' });

res.cookie('lang', 'en'); res.cookie('author', a); res.cookie('tokenless_pref', 1);

const opts = { httpOnly: true }; if (prod) opts.secure = true; res.cookie('sid', id, opts);

res.setHeader('Set-Cookie', `sid=${id}; HttpOnly; Secure; SameSite=Strict; Path=/`);

app.use(cors({ origin: process.env.CORS_ORIGIN, credentials: true })); app.use(cors({ origin: '*' }));

const whitelist = ['a']; app.use(cors({ origin: function (origin, callback) {
  if (whitelist.indexOf(origin) !== -1 || !origin) { callback(null, true); } else {
  callback(new Error('no')); } }, credentials: true }));

app.use((req, res, next) => { res.header('Access-Control-Allow-Origin', '*'); next(); });

app.get('/auth/verify', async (req, res) => { const { token } = req.query; await verifyEmail(token); });

app.post('/password-reset/:id', async (req, res) => { f(req.query.token); });

const t = req.params.token; const p = req.query.page; const s = req.query.state; const c = req.query.code;

const link = `${BASE}/reset?token=${resetToken}`; await mail(link); res.redirect(`/login?error=${e}`);

app.get('/x', async (req, res, next) => {
const { name } = req.body; await prisma.user.update({ where: { id }, data: { name } });
});

app.get('/x', async (req, res, next) => {
const data = userSchema.parse(req.body); await prisma.user.create({ data });
});

app.get('/x', async (req, res, next) => {
const input = { ...req.body }; logger.info(input); await service.handle(input.id);
  const e = new HttpError(400, req.body);
});

router.post('/', validateBody(schema), async (req, res) => { await User.create(req.body); });

router.post('/', [body('name').isString(), validate], async (req, res) => { const parsed = matchedData(req);
  await User.create(parsed); });

app.put('/p', async (req, res) => { const allowed = pick(req.body, ['a']); Object.assign(p, allowed);
  const merged = Object.assign({}, req.body); });

app.post('/r', async (req, res) => { const user = await User.create({ email, password: hashed });
  res.status(201).json({ id: user.id, email: user.email }); });

app.post('/r', async (req, res) => { const { rows }
  = await pool.query('INSERT INTO users (email, password) VALUES ($1, $2) RETURNING id, email', [e, h]);
  res.status(201).json(rows[0]); });

userSchema.methods.toJSON = function () { const o = this.toObject(); delete o.password; return o; };
app.get('/', async (req, res) => { res.json(await User.find()); });

app.get('/', async (req, res) => { const user = await User.findById(1).select('-password'); res.json(user);
  }); const h = (u) => u.password;

app.get('/me', auth, (req, res) => res.json(req.user)); const h = (u) => u.password;

app.get('/', async (req, res) => { const u = await findUserById(1); delete u.passwordHash; res.json(u); });

const toPublic = (u) => ({ id: u.id, p: !!u.passwordHash }); app.get('/', async (req, res) => {
  const users = await listUsers(); res.json({ users: users.map(toPublic) }); });

const db = require('./db'); async function f() { await db.transaction(async (trx) => {
  await trx('a').insert(b); }); }

async function f() { const client = await db.connect(); try { await client.query('BEGIN');
  await client.query('COMMIT'); } finally { client.release(); } }

async function f() { const conn = await mysql.createConnection(c); await conn.query('START TRANSACTION');
  await conn.end(); }

db.exec('BEGIN'); sqlite.exec('COMMIT'); const t = db.transaction(() => {}); editor.query('beginning');

async function f(trx) { await pool.query('INSERT INTO a VALUES (1)'); await pool.query('UPDATE b SET c = 1'); }

async function f() { const client = await pool.connect(); try { await client.query('X'); client.release(); }
  catch (e) { client.release(); throw e; } }

async function withClient(fn) { const client = await pool.connect(); try { return await fn(client); }
  finally { client.release(); } }

pool.connect((err, client, done) => { if (err) throw err; client.query('x', (e, r) => { done();
  if (e) throw e; }); });

async function start() { await mongoose.connect(u); await redis.connect(); await pool.connect(); }

const fs = require('fs');
app.get('/x', async (req, res, next) => {
const name = path.basename(req.query.f); res.send(fs.readFileSync(path.join(D, name)));
});

const fs = require('fs');
app.get('/x', async (req, res, next) => {
if (!/^[a-z]+$/.test(req.query.f)) return res.sendStatus(400); res.send(fs.readFileSync(D + req.query.f));
});

const fs = require('fs'); fs.writeFileSync('./log.txt', req.body.text); fs.readFileSync(config.path);

const ac = new AbortController(); const r = await fetch(url, { signal: ac.signal }); await got(url, {
  timeout: { request: 100 } });
"""
"""Sound code, one piece a paragraph, that must alarm none of the rules but those in `UNRELATED`."""

UNRELATED = frozenset(
    {"jwt-audience-issuer-unchecked", "jwt-algorithm-unpinned", "fetch-no-timeout", "hardcoded-secret"}
)
"""Rules that the fragments of other rules also offend, fragments being short."""

VARIANTS = r"""
// sql-injection
db.all('SELECT * FROM t WHERE n = ' + req.params.n, cb);

// sql-injection
const { rows } = await pool.query("SELECT * FROM t WHERE n = '" + req.params.n + "'");

// sql-injection
async function f(name) { return sequelize.query(`SELECT * FROM u WHERE n = '${name}'`, {
  type: QueryTypes.SELECT }); }

// sql-injection
class R { async f(id) { return this.db.one(`select * from t where id = ${id}`); } }

// sql-injection
const { limit } = req.query; db.query(`SELECT * FROM t LIMIT ${limit}`);

// sql-injection
const sets = Object.keys(req.body).map((k, i) => `${k} = $${i + 2}`);
  await pool.query(`UPDATE t SET ${sets.join(', ')} WHERE id = $1`, [id]);

// sql-injection
const updates = []; for (const key of Object.keys(req.body)) { updates.push(`${key} = '${req.body[key]}'`);
  } await pool.query(`UPDATE t SET ${updates.join(', ')}`);

// sql-injection
const query = util.format("SELECT * FROM t WHERE id = '%s'", req.body.id); db.query(query);

// sql-injection
const sql = ['SELECT * FROM t', `WHERE id = ${id}`].join(' '); db.query(sql);

// sql-injection
var query = "SELECT name,id FROM Users WHERE login='" + req.body.login + "'";
db.sequelize.query(query, { model: db.User }).then(user => {}).catch(e => next(e))

// sql-injection
stmt = db.prepare(`SELECT * FROM t WHERE a = '${a}'`).get();

// sql-injection
repo.createQueryBuilder('u').where(`u.name = '${name}'`).getMany();

// sql-injection
connection.execute('DELETE FROM t WHERE id = '.concat(id));

// sql-injection
await knex.raw(`select * from t where id = ${id}`);

// sql-injection
await prisma.$queryRaw(Prisma.raw(`SELECT * FROM t WHERE a = ${a}`));

// command-injection
const cp = require('child_process'); cp.exec('ls ' + req.query.d);

// command-injection
const { execSync: run } = require('child_process'); run(`git clone ${url}`);

// command-injection
import util from 'util'; import cp from 'child_process'; const run = util.promisify(cp.exec);
  export async function f(a) { return run('echo ' + a); }

// command-injection
require('child_process').exec(`nslookup ${req.body.h}`, done);

// eval
const f = new Function('return ' + x);

// error-leak
app.get('/x', async (req, res, next) => {
try { await f(); } catch (err) { return res.status(400).json({ error: err }); }
});

// error-leak
app.get('/x', async (req, res, next) => {
try { await f(); } catch (error: any) { res.status(500).json({ success: false, error: error.message ?? 'x' }); }
});

// error-leak
app.get('/x', async (req, res, next) => {
try { await f(); } catch (error) { res.status(500).json({ error: (error as Error).message }); }
});

// error-leak
app.get('/x', async (req, res, next) => {
try { await f(); } catch (e) { const err = e as Error; res.status(500).send(err.message); }
});

// error-leak
app.use((err, req, res, next) => { const status = err.status || 500; res.status(status).json({
  error: err.message || 'Internal' }); });

// error-leak
app.use((err, req, res, next) => { const { statusCode = 500, message } = err; res.status(statusCode).json({
  error: message }); });

// error-leak
fastify.setErrorHandler((error, request, reply) => { reply.status(500).send({ error: error.message }); });

// error-leak
app.use(async (ctx, next) => { try { await next(); } catch (err) { ctx.status = 500; ctx.body = {
  error: err.message }; } });

// error-leak
const errorHandler = (err, req, res, next) => {
 const response = { message: err.message };
 if (process.env.NODE_ENV === 'development') { response.stack = err.stack; }
 res.status(err.statusCode || 500).json(response);
};

// error-leak
User.find({}, (err, users) => { if (err) { res.send(err); } else { res.json(users.map(f)); } });

// error-leak
app.get('/x', async (req, res, next) => {
try { f(); } catch (err) { res.status(500).json({ error: 'x', details: String(err) }); }
});

// error-leak
app.get('/x', async (req, res, next) => {
try { f(); } catch (err) { res.status(500).render('error', { error: err }); }
});

// error-leak
load().then(r => res.json(r)).catch(err => res.status(500).json({ message: 'failed', error: err.toString() }));

// error-leak
export async function GET() { try { return NextResponse.json(await f()); } catch (error) {
  return NextResponse.json({ error: error.message }, { status: 500 }); } }

// swallowed-error
async function f() { try { await db.insert(x); } catch (_) {} }

// swallowed-error
async function f() { await sendMoney(x).catch(() => undefined); }

// swallowed-error
saveOrder(o).catch(noop);

// swallowed-error
app.get('/x', async (req, res, next) => {
try { await db.query('INSERT INTO t VALUES (1)'); } catch (e) { console.log('failed', e); }
  return res.status(200).json({ status: 'ok' });
});

// swallowed-error
db.query('SELECT 1', [], function (err, rows) { res.json(rows); });

// floating-promise
async function f(req, res) { const c = await pool.connect(); c.query('BEGIN'); client.query('BEGIN'); }

// floating-promise
const save = async (x) => { await g(x); };
app.post('/', (req, res) => { save(req.body); res.end(); });

// floating-promise
async function f() { items.forEach(async (i) => { await save(i); }); }

// floating-promise
async function f() { await a(); stripe.charges.create({ amount: 1 }); }

// floating-promise
async function f() { prisma.user.update({ where: { id }, data: { a: 1 } }); await b(); }

// floating-promise
async function f() { await userStore.get(1); userStore.save(u); }

// jwt-decode-as-verify
const jwt_decode = require('jwt-decode'); app.use((req, res, next) => {
  req.user = jwt_decode(req.headers.authorization); next(); });

// jwt-decode-as-verify
import { jwtDecode } from 'jwt-decode'; function f(t) { const { sub } = jwtDecode(t); return sub; }

// jwt-decode-as-verify
function f(token) { const decoded = jwt.decode(token, { complete: true }); return decoded.payload.userId; }

// jwt-decode-as-verify
function f(token) { const decoded = jwt.decode(token); if (!decoded) return null;
  return User.findById(decoded.id); }

// jwt-decode-as-verify
class A { constructor(private readonly jwtService: JwtService) {} who(t: string) {
  return this.jwtService.decode(t); } }

// jwt-decode-as-verify
const payload = JSON.parse(Buffer.from(token.split('.')[1], 'base64').toString('utf8')); req.user = payload;

// jwt-decode-as-verify
function parse(t) { const parts = t.split('.'); const raw = Buffer.from(parts[1], 'base64');
  return JSON.parse(raw.toString()); }

// jwt-algorithm-unpinned jwt-audience-issuer-unchecked
import * as jose from 'jose'; const { payload } = await jose.jwtVerify(t, key);

// jwt-algorithm-unpinned
const { verify } = require('jsonwebtoken'); const c = verify(t, key, { issuer: 'a', audience: 'b' });

// jwt-no-expiry
const accessToken = jwt.sign(user, process.env.ACCESS_TOKEN_SECRET)

// jwt-no-expiry
jwt.sign({ id: 1 }, key, { algorithm: 'RS256', issuer: 'x' }, (err, t) => cb(err, t));

// jwt-none-algorithm
const t = jwt.sign({ a, exp }, '', { algorithm: 'none' });

// sensitive-claims
const token = jwt.sign({ data: { id: u.id }, hash: u.hash }, key, { expiresIn: 1 });

// sensitive-claims
async function f() { const user = await User.findOne({ email }); return jwt.sign({ ...user }, key, {
  expiresIn: '1h' }); }

// sensitive-claims
async function f() { const user = await prisma.user.findUnique({ where: { email } }); return jwt.sign(user,
  key, { expiresIn: '1h' }); }

// sensitive-claims
async function f() { const r = await pool.query('SELECT * FROM users WHERE email = $1', [e]);
  const user = r.rows[0]; return jwt.sign({ user }, key, { expiresIn: '1h' }); }

// hardcoded-secret
module.exports = { jwtSecret: 'abc123', port: 3000 };

// hardcoded-secret
const jwtSecret = process.env.JWT_SECRET || 'your-secret-key-change-in-production';

// hardcoded-secret
const transporter = nodemailer.createTransport({ auth: { user: 'a@b.c', pass: 'hunter22' } });

// hardcoded-secret
const stripe = require('stripe')('sk_live_4eC39HqLyjWDarjtT1zdp7dc');

// hardcoded-secret
class C { private readonly apiKey = 'a8f5f167f44f4964e6c998dee827110c'; }

// hardcoded-secret
const key = getEnv('JWT_SECRET', 'fallback-secret');

// hardcoded-secret
mongoose.connect('mongodb+srv://admin:Passw0rd@cluster0.mongodb.net/test');

// hardcoded-secret
const ACCESS_TOKEN_SECRET = 'access'; const REFRESH = process.env.REFRESH_TOKEN_SECRET || "refresh";

// hardcoded-secret
const secret = new TextEncoder().encode('my-very-secret');

// hardcoded-secret
const hmac = crypto.createHmac('sha256', 'secret-key').update(b).digest('hex');

// hardcoded-secret
JwtModule.register({ secret: 'topsecret', signOptions: { expiresIn: '1h' } })

// hardcoded-secret
const users = [{ id: 1, username: 'admin', password: 'admin123' }];

// hardcoded-secret
const PRIVATE_KEY = `-----BEGIN RSA PRIVATE KEY-----
MIIEpAIBAAKCAQEA7
-----END RSA PRIVATE KEY-----`;

// weak-random
const otp = Math.floor(Math.random() * 1000000);

// weak-random
function generateToken(n) { let r = ''; for (let i = 0; i < n; i++) {
  r += c.charAt(Math.floor(Math.random() * c.length)); } return r; }

// weak-random
order.transactionId = `tx_${Date.now()}_${Math.random().toString(36)}`;

// weak-password-hash
const hashedPassword = crypto.createHash('sha256').update(password).digest('hex');

// weak-password-hash
const hash = crypto.createHash('md5'); hash.update(req.body.password); const d = hash.digest('hex');

// weak-password-hash
function hashPassword(pw) { return bcrypt.hashSync(pw, 5); }

// weak-password-hash
const salt = await bcrypt.genSalt(8);

// weak-password-hash
const h = crypto.pbkdf2Sync(password, salt, 1000, 64, 'sha512');

// weak-password-hash
if (user && user.password === password) { ok(); }

// weak-password-hash
const u = users.find(u => u.email === email && u.password === password);

// weak-password-hash
const user = await User.findOne({ username: req.body.username, password: req.body.password });

// tls-off
https.request({ host, rejectUnauthorized: false }, cb);

// insecure-cookie
res.cookie('jwt', token, { httpOnly: true });

// insecure-cookie
res.cookie('access_token', `Bearer ${t}`, { httpOnly: false, secure: true });

// insecure-cookie
ctx.cookies.set('session', id, { secure: true, httpOnly: false });

// insecure-cookie
const opts = { httpOnly: true }; if (x) opts.sameSite = 'lax'; res.cookie('sid', id, opts);

// insecure-cookie
app.use(session({ secret: s, cookie: { secure: false } }));

// cors-wildcard-credentials
app.use(cors({ credentials: true, origin: '*' }));

// cors-wildcard-credentials
app.use(cors({ origin: (origin, callback) => { callback(null, true); }, credentials: true }));

// cors-wildcard-credentials
app.use((req, res, next) => { res.header('Access-Control-Allow-Origin', '*');
  res.header('Access-Control-Allow-Credentials', true); next(); });

// cors-wildcard-credentials
app.enableCors({ origin: true, credentials: true });

// token-in-query
const token = req.body.token || req.query.token || req.headers['x-access-token'];

// token-in-query
function auth(req, res, next) { const { token } = req.query; check(token); }

// token-in-query
app.get('/data', (req, res) => { const key = req.query.api_key; f(key); });

// token-in-query
const url = new URL(req.url, 'http://x'); const token = url.searchParams.get('access_token');

// mass-assignment
app.get('/x', async (req, res, next) => {
const user = new User({ ...req.body }); await user.save();
});

// mass-assignment
app.get('/x', async (req, res, next) => {
const [u] = await db('users').insert(req.body).returning('id'); res.json(u);
});

// mass-assignment
app.get('/x', async (req, res, next) => {
await prisma.user.update({ where: { id }, data: req.body });
});

// mass-assignment
app.get('/x', async (req, res, next) => {
const { id, ...rest } = req.body; await User.update(rest, { where: { id } });
});

// mass-assignment
app.get('/x', async (req, res, next) => {
const item = { id: uuid(), ...req.body }; items.push(item); res.json(item);
});

// mass-assignment
app.put('/p', async (req, res) => { const p = await Product.findById(1); Object.assign(p, req.body);
  await p.save(); });

// user-dump
router.get('/', async (req, res) => { const { rows } = await pool.query('SELECT * FROM users');
  res.json(rows); });
router.post('/', async (req, res) => {
  await pool.query('INSERT INTO users (email, password) VALUES ($1, $2)', [e, h]); });

// user-dump
app.post('/r', async (req, res) => { const user = await User.create({ email, password: hashed });
  res.status(201).json({ user }); });

// user-dump
const store = require('./store'); app.post('/login', async (req, res) => {
  const user = await store.findUserByEmail(e); if (!(await bcrypt.compare(p,
  user.passwordHash))) return res.sendStatus(401); res.json({ ok: 1 }); });
app.get('/admin/users', async (req, res) => { res.json(await store.listUsers()); });

// transaction-on-pool
const { pool } = require('./db'); async function f() { try { await pool.query('BEGIN'); } catch (e) {
  await pool.query('ROLLBACK'); throw e; } }

// unreleased-client
async function f() { const client = await pool.connect(); try { await client.query('X'); client.release(); }
  catch (e) { throw e; } }

// unreleased-client
async function f() { const qr = ds.createQueryRunner(); await qr.connect(); await qr.startTransaction();
  await qr.commitTransaction(); }

// path-traversal
app.get('/x', async (req, res, next) => {
const p = `./data/${req.params.id}.json`; require("fs").readFile(p, 'utf8', (e, d) => {
  if (e) return next(e); res.send(d); });
});

// path-traversal
const fs = require('fs');
app.get('/x', async (req, res, next) => {
res.download('./files/' + req.query.f);
});

// path-traversal
import { createReadStream } from 'fs';
app.get('/x', async (req, res, next) => {
createReadStream(path.join('up', req.params.n)).pipe(res);
});

// path-traversal
import { promises as fs } from 'fs';
app.get('/x', async (req, res, next) => {
const f = req.file.originalname; await fs.writeFile('./up/' + f, b);
});

// fetch-no-timeout
const r = await axios.get(url, { params });

// fetch-no-timeout
const r = await axios({ method: 'get', url });

// fetch-no-timeout
await got.post(url, { json: b });
"""
"""Defects in other styles than the rules' own examples; the comment names the rules."""

NO_SECRETS = r"""
const errors = { INVALID_TOKEN: 'INVALID_TOKEN', password: 'Password must be 8 characters',
  token: 'Token is invalid' };

const schema = { password: 'required|min:8', apiKey: 'string', secret: { type: String } };

const opts = { secretOrKey: process.env.JWT_SECRET, passwordField: 'passwd', usernameField: 'email' };

const CSRF_TOKEN_HEADER = 'x-csrf-token'; const SECRET_NAME = 'prod/db/password';
  const SECRET_ARN = 'arn:aws:x';

const secret = await sm.getSecretValue({ SecretId: 'prod/jwt' }); const key = fs.readFileSync('key.pem');

const TokenType = { ACCESS: 'access', REFRESH: 'refresh', RESET_PASSWORD: 'resetPassword' };

const c = { accessToken: 'access_token', refreshToken: 'refresh_token', PASSWORD: 'password' };

const url = process.env.REDIS_URL || 'redis://localhost:6379';
  const a = 'postgres://user:<password>@host/db'; const b = 'postgres://user:****@host';

const password = ''; let token = ''; let secret = null; const apiKey = undefined;

const key = 'users'; const cacheKey = 'user:1'; const sortKey = 'created_at'; const primaryKey = 'id';
  const foreignKey = 'user_id';

const idempotencyKey = 'abc-123'; const publicKey = '-----BEGIN PUBLIC KEY-----abc'; const partitionKey = 'pk';

if (password === 'password') reject(); const DEFAULT_PASSWORD_LENGTH = 12; const passwordRegex = '^.{8,}$';

const env = { JWT_SECRET: required('JWT_SECRET') }; const s = env.JWT_SECRET ?? '';
  const p = config.get('db.password');

const secret = process.env.NODE_ENV === 'test' ? 'test-secret' : requireEnv('JWT_SECRET');

res.status(401).json({ error: 'invalid token', token: 'missing' }); const m = {
  secret: 'Secret must be set before start' };

const swagger = { securitySchemes: { apiKey: { type: 'apiKey', in: 'header', name: 'X-API-KEY' } } };

const DUMMY_PASSWORD_HASH = '$2b$12$abcdefghijklmnopqrstuv'; const hash = 'x';

app.post('/token', h); const grant = { grant_type: 'password', token_type: 'bearer', scope: 'api' };

enum E { Password = 'password', ApiKey = 'api_key', Secret = 'secret' }

type Opts = { secret: 'a' | 'b'; password: string }; interface I { token: 'abc' }

const kinds = { API_KEY: 'api_key', SECRET: 'secret', SESSION_KEY: 'session' };

const r = await fetch(u, { credentials: 'include' }); const o = { credentials: 'same-origin' };

process.env.JWT_SECRET = process.env.JWT_SECRET || crypto.randomBytes(32).toString('hex');

const selector = 'input[name=password]'; const { password } = req.body; const passwordInput = 'x';
"""
"""Names and labels that look like secrets."""


def paragraphs(text: str) -> list[str]:
    return text.strip().split("\n\n")


@pytest.mark.parametrize("code", paragraphs(LOOK_ALIKES))
def test_look_alikes_are_left_alone(code: str) -> None:
    assert {rule for rule, _ in bad(code, "typescript")} - UNRELATED == set()


@pytest.mark.parametrize("code", paragraphs(VARIANTS))
def test_variants_are_found(code: str) -> None:
    wanted = set(code.split("\n", 1)[0].removeprefix("// ").split())
    assert wanted <= {rule for rule, _ in bad(code, "typescript")}


@pytest.mark.parametrize("code", paragraphs(NO_SECRETS))
def test_names_and_labels_are_no_secrets(code: str) -> None:
    assert "hardcoded-secret" not in {rule for rule, _ in bad(code, "typescript")}


def test_comments_and_strings_neither_trigger_nor_satisfy() -> None:
    told = "// jwt.verify(t, k, { algorithms: ['HS256'] })\nconst s = \"eval(x); password === user.password\";"
    assert bad(told) == set()
    assert ("jwt-algorithm-unpinned", 2) in bad("// algorithms: ['HS256']\njwt.verify(t, k /* algorithms: pinned */);")


@pytest.mark.parametrize("mark", ["// eslint-disable-line", "// nosemgrep", "/* eslint-disable */", "// nosec"])
def test_suppressions_change_nothing(mark: str) -> None:
    assert bad(f"const x = eval(input); {mark}") == {("eval", 1)}


def test_test_code_may_hold_secrets() -> None:
    code = "const JWT_SECRET = 'test-secret';\nmodule.exports = { JWT_SECRET };"
    assert bad(code) == {("hardcoded-secret", 1)}
    assert bad(code, file="tests/auth.test.js") == set()
    assert bad(f"{code}\ndescribe('auth', () => {{ it('works', () => {{}}); }});") == set()


ODD = {
    "empty": "",
    "comments": "// nothing\n/* here */\n",
    "broken": "const = {{{ ((( function ( async => ;;; `${",
    "calls": "f(" * 3000 + "1" + ")" * 3000,
    "wrapped": "const secret = " + "Buffer.from(" * 3000 + "'abcdef'" + ")" * 3000,
    "objects": "const a = " + "{a:" * 2000 + "1" + "}" * 2000 + "; db.query(`select ${a}`); jwt.sign(a, k, a);",
    "arrays": "exec(" + "[" * 2000 + "x" + "]" * 2000 + ");",
    "blocks": "if (a) {" * 1500 + "}" * 1500,
    "sum": "db.query(" + " + ".join(['"a"'] * 2000 + ["x"] * 50) + ")",
    "conditional": "const q = " + "a ? b : " * 1000 + "c; db.query(`select ${q}`)",
    "loop": "let sql = 'select 1'; sql = sql + `${sql}`; sql += sql; db.query(sql); const a = a; const b = {...b};",
    "knot": "const A = B.y; const B = A.z; f(A.x); jwt.sign(A.x, k, B); db.query(A.q); const c = [c]; db.query(`select ${c}`);",
    "signs": '\u00e9\U0001f389 const secret = "abcd1234" \u2028 \x00',
}


@pytest.mark.parametrize("text", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("language", ["javascript", "typescript"])
def test_odd_input_does_not_break_a_rule(language: str, text: str) -> None:
    for rule in RULES:
        assert all(site.line >= 1 for site in sites(rule, text, language))


def test_a_broken_snippet_is_still_judged() -> None:
    assert ("eval", 2) in bad("function f( {\nconst x = eval(input);\n")


def test_two_thousand_lines_come_to_an_end() -> None:
    text = VULNERABLE_JS * (2000 // VULNERABLE_JS.count("\n") + 1)
    source = Source(text=text, language="javascript")
    started = time.process_time()
    found = sum(1 for rule in RULES for _ in rule.check(source))
    assert found > 500
    assert time.process_time() - started < 30  # a guard against growth without bound, no measure of speed
