'use strict';

const { randomUUID } = require('node:crypto');

const users = new Map();
const notes = new Map();

async function createUser({ email, passwordHash, role = 'user' }) {
  const user = { id: randomUUID(), email, passwordHash, role, createdAt: new Date() };
  users.set(user.id, user);
  return user;
}

async function findUserByEmail(email) {
  for (const user of users.values()) {
    if (user.email === email) return user;
  }
  return null;
}

async function listUsers() {
  return [...users.values()];
}

async function createNote({ text, ownerId }) {
  const note = { id: randomUUID(), text, ownerId, createdAt: new Date() };
  notes.set(note.id, note);
  return note;
}

async function listNotes() {
  return [...notes.values()];
}

async function getNote(id) {
  return notes.get(id) || null;
}

async function deleteNote(id) {
  return notes.delete(id);
}

module.exports = {
  createUser, findUserByEmail, listUsers, createNote, listNotes, getNote, deleteNote,
};
