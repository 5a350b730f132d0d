//! Functions, views and triggers.

use super::types::push_type;
use super::{names, separated, table_name};
use crate::layout::{WIDTH, push_parens};
use crate::quote::{dollar, push_ident, push_literal, push_qualified};
use specc_catalog::{Body, Function, Param, Returns, Timing, Trigger, View, Volatility};
use specc_facts::LONGEST_NAME;

/// Appends `schema.name(int, text)`: what tells the function apart from others of its name.
pub fn push_routine(out: &mut String, o: &Function) {
    push_qualified(out, &o.schema, &o.name);
    out.push('(');
    let inputs = o.params.iter().filter(|param| param.mode != "out");
    separated(out, inputs, ", ", |out, param| push_type(out, &param.ty));
    out.push(')');
}

pub(super) fn create_function(out: &mut String, o: &Function, verb: &str) {
    out.push_str(verb);
    out.push_str(if o.procedure { "procedure " } else { "function " });
    push_qualified(out, &o.schema, &o.name);
    params(out, &o.params);
    match &o.returns {
        Some(Returns::Type(ty)) => {
            out.push_str("\nreturns ");
            push_type(out, ty);
        }
        Some(Returns::SetOf(ty)) => {
            out.push_str("\nreturns setof ");
            push_type(out, ty);
        }
        Some(Returns::Table(columns)) => {
            out.push_str("\nreturns table (");
            separated(out, columns, ", ", |out, (name, ty)| {
                push_ident(out, name);
                out.push(' ');
                push_type(out, ty);
            });
            out.push(')');
        }
        None => {}
    }
    out.push_str("\nlanguage ");
    push_ident(out, &o.language);
    attributes(out, o);
    for (name, value) in &o.settings {
        out.push_str("\nset ");
        out.push_str(name);
        out.push_str(" = ");
        setting(out, name, value);
    }
    match &o.body {
        // Postgres spells an expression on one line only where it was made so.
        Body::Atomic(text) if is_one_return(text) => {
            out.push('\n');
            out.push_str(text.trim());
        }
        Body::Atomic(text) => {
            out.push_str("\nbegin atomic\n");
            let text = text.trim_matches('\n').trim_end();
            if !text.starts_with(' ') {
                out.push_str("  ");
            }
            out.push_str(text);
            // A comment at the end must not hide the semicolon.
            if !text.ends_with(';') {
                let commented = text.rsplit('\n').next().is_some_and(|line| line.contains("--"));
                out.push_str(if commented { "\n;" } else { ";" });
            }
            out.push_str("\nend");
        }
        Body::Text(text) => {
            out.push_str("\nas ");
            let mut body = String::with_capacity(text.len() + 2);
            body.push('\n');
            body.push_str(text.trim_matches('\n'));
            body.push('\n');
            out.push_str(&dollar(&body));
        }
        Body::Exact(text) => {
            out.push_str("\nas ");
            out.push_str(&dollar(text));
        }
    }
}

/// On one line if they fit, else each on its own.
/// Whether a body is `return …` on one line.
fn is_one_return(text: &str) -> bool {
    let text = text.trim();
    let word = text.get(.."return ".len());
    word.is_some_and(|word| word.eq_ignore_ascii_case("return ")) && !text.contains(['\n', ';']) && !text.contains("--")
}

fn params(out: &mut String, params: &[Param]) {
    let start = out.rfind('\n').map_or(0, |at| at + 1);
    let open = out.len();
    out.push('(');
    separated(out, params, ", ", param);
    if out.len() - start > WIDTH && params.len() > 1 {
        out.truncate(open);
        out.push_str("(\n  ");
        separated(out, params, ",\n  ", param);
        out.push('\n');
    }
    out.push(')');
}

fn param(out: &mut String, o: &Param) {
    if o.mode != "in" && !o.mode.is_empty() {
        out.push_str(&o.mode);
        out.push(' ');
    }
    if !o.name.is_empty() {
        push_ident(out, &o.name);
        out.push(' ');
    }
    push_type(out, &o.ty);
    if let Some(default) = &o.default {
        out.push_str(" default ");
        out.push_str(&default.text);
    }
}

fn attributes(out: &mut String, o: &Function) {
    if !o.procedure {
        out.push_str(match o.volatility {
            Volatility::Volatile => "",
            Volatility::Stable => " stable",
            Volatility::Immutable => " immutable",
        });
        if o.leakproof {
            out.push_str(" leakproof");
        }
        if o.strict {
            out.push_str(" strict");
        }
        if let Some(parallel) = &o.parallel {
            out.push_str(" parallel ");
            out.push_str(parallel);
        }
        for (word, value) in [(" cost ", &o.cost), (" rows ", &o.rows)] {
            if let Some(value) = value {
                out.push_str(word);
                out.push_str(value);
            }
        }
    }
    if o.security_definer {
        out.push_str(" security definer");
    }
}

/// The value of a setting: lists of names stay lists, all else is a literal.
fn setting(out: &mut String, name: &str, value: &str) {
    let names = if specc_facts::is_list_setting(name) { specc_facts::listed_names(value) } else { Vec::new() };
    if names.is_empty() {
        return push_literal(out, value);
    }
    // An empty name is none between double quotes, and a long one is cut there.
    separated(out, &names, ", ", |out, name| match name.len() {
        1..=LONGEST_NAME => push_ident(out, name),
        _ => push_literal(out, name),
    });
}

pub(super) fn create_view(out: &mut String, o: &View, verb: &str) {
    out.push_str(if o.materialized { "create " } else { verb });
    out.push_str(if o.materialized { "materialized view " } else { "view " });
    table_name(out, &o.view);
    super::columns(out, &o.columns);
    let options = [(o.security_invoker, "security_invoker = true"), (o.security_barrier, "security_barrier = true")];
    if options.iter().any(|(on, _)| *on) && !o.materialized {
        out.push_str(" with (");
        separated(out, options.iter().filter(|(on, _)| *on), ", ", |out, (_, option)| out.push_str(option));
        out.push(')');
    }
    out.push_str(" as\n");
    let query = o.query.trim_matches('\n').trim_end();
    out.push_str(query);
    if query.rsplit('\n').next().is_some_and(|line| line.contains("--")) {
        out.push('\n');
    }
    if let Some(check) = &o.check_option {
        out.push_str("\nwith ");
        out.push_str(check);
        out.push_str(" check option");
    }
    if o.materialized && o.no_data {
        out.push_str("\nwith no data");
    }
    if out.ends_with('\n') {
        out.push_str(";\n");
    }
}

pub(super) fn create_trigger(out: &mut String, o: &Trigger) {
    out.push_str(if o.constraint { "create constraint trigger " } else { "create trigger " });
    push_ident(out, &o.name);
    out.push_str(match o.timing {
        Timing::Before => "\n  before ",
        Timing::After => "\n  after ",
        Timing::InsteadOf => "\n  instead of ",
    });
    separated(out, &o.events, " or ", |out, (event, columns)| {
        out.push_str(event);
        if !columns.is_empty() {
            out.push_str(" of ");
            names(out, columns);
        }
    });
    out.push_str(" on ");
    table_name(out, &o.table);
    if o.constraint {
        out.push_str("\n  deferrable");
        out.push_str(if o.initially_deferred { " initially deferred" } else { "" });
    }
    if o.old_table.is_some() || o.new_table.is_some() {
        out.push_str("\n  referencing");
        for (word, name) in [(" old table as ", &o.old_table), (" new table as ", &o.new_table)] {
            if let Some(name) = name {
                out.push_str(word);
                push_ident(out, name);
            }
        }
    }
    out.push_str(if o.per_row { "\n  for each row" } else { "\n  for each statement" });
    if let Some(when) = &o.when {
        out.push_str("\n  when ");
        push_parens(out, &when.text, 2);
    }
    out.push_str("\n  execute function ");
    push_qualified(out, &o.function.schema, &o.function.name);
    out.push('(');
    separated(out, &o.args, ", ", |out, arg| push_literal(out, arg));
    out.push(')');
}
