"""The ways to check one primitive: by its definition, by adjoints, by Jacobians, in other precisions and sizes."""
