"""The least that a passphrase's key may cost: these tests make many."""

from nacl import pwhash

from tray.secrets.sealed import Cost

CHEAP = Cost(pwhash.argon2id.OPSLIMIT_MIN, pwhash.argon2id.MEMLIMIT_MIN)
