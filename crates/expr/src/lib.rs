//! SQL expressions and queries as they stand in specs: parsed, walked and printed with sqlparser.
