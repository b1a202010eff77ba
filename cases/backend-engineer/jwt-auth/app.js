'use strict';

const express = require('express');
const store = require('./store');

const app = express();
app.use(express.json());

app.get('/health', (req, res) => {
  res.json({ status: 'ok' });
});

app.get('/notes', async (req, res) => {
  res.json(await store.listNotes());
});

app.post('/notes', async (req, res) => {
  const note = await store.createNote({ text: req.body.text, ownerId: req.body.ownerId });
  res.status(201).json(note);
});

app.get('/notes/:id', async (req, res) => {
  const note = await store.getNote(req.params.id);
  if (!note) return res.status(404).json({ error: 'not found' });
  res.json(note);
});

app.delete('/notes/:id', async (req, res) => {
  await store.deleteNote(req.params.id);
  res.status(204).end();
});

app.get('/admin/users', async (req, res) => {
  res.json(await store.listUsers());
});

module.exports = app;

if (require.main === module) {
  app.listen(process.env.PORT || 3000);
}
