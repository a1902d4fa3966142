"""One declarative file per meter model."""
