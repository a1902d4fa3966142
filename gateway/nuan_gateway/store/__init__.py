"""The gateway's database: schema, connection rules, and everything that reads or writes it."""
