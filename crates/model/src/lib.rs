//! What a spec means: names resolved, mixins expanded, relations graphed, expressions typed, everything checked.
