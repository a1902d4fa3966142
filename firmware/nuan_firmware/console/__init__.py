"""The console on the serial port: one resident part, and one module for each command.

listener.py   waits for keys, for ever; all that is always in memory
editor.py     makes lines of keys
dispatch.py   takes one line apart and runs its command
locking.py    whether the console is open, and what opens it
reply.py      prints answers, as a JSON line or for people
arguments.py  what a command was given, checked
the others    a command each, named like it
"""
