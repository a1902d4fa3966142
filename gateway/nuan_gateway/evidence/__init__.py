"""Evidence: canonical JSON, Merkle roots, signatures, bundles that verify without the database."""
