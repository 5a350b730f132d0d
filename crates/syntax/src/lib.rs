//! The .dbspec grammar, syntax tree, parser and formatter.
