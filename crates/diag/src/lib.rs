//! Spans, diagnostics with stable codes, and their rendering.
