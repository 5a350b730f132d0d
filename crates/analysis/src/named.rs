//! Literals that name something to the function that gets them: a field of a moment, a time zone, a setting, a right, what
//! the right is on.

use crate::calls::Args;
use crate::scope::Ty;
use crate::text::Part;
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::DataType;
use specc_expr::sqlparser::ast::{DateTimeField, Expr, Ident, Set, Spanned, Value, ValueWithSpan};
use specc_facts::{Family, FieldUse, Searching, Variant};

/// A literal among the arguments.
fn literal<'e>(args: &Args<'e>, at: usize) -> Option<&'e ValueWithSpan> {
    match args.exprs.get(at)? {
        Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => Some(value),
        _ => None,
    }
}

impl Walk<'_> {
    /// Reads the literals among the arguments of a function that Postgres brings, as the types of its parameters where there
    /// is only one for their place, or as what they name. Where it may be a function of the same name that is not read, only objects
    /// are looked for.
    pub(crate) fn literals_of_call(&mut self, part: &Part<'_>, name: &str, args: &Args<'_>, is_sure: bool) {
        if args.loose || args.names.iter().any(Option::is_some) {
            return;
        }
        let count = args.exprs.len();
        let fitting: Vec<&Variant> = specc_facts::functions(name)
            .iter()
            .filter(|v| v.takes(count) && !v.variadic && self.accept(v, &args.types))
            .collect();
        let known =
            !fitting.is_empty() && specc_facts::functions(name).iter().all(|v| !v.variadic && v.extension == "-");
        for at in (0..count).filter(|_| known) {
            let Some(value) = literal(args, at) else { continue };
            let Some(first) = fitting[0].args.get(at) else { continue };
            let is_read = is_sure || specc_facts::family(first.name) == Family::Oid;
            let is_one = fitting.iter().all(|v| v.args.get(at) == Some(first));
            if is_one && is_read && !specc_facts::is_pseudo_type(first.name) {
                match first.array {
                    true => self.literal(part, value, &crate::types::from_table(*first)),
                    false => self.literal_of_type(part, value, first.name, &crate::types::from_table(*first)),
                }
            }
        }
        if !is_sure {
            return;
        }
        let enums = args.types.iter().find_map(|ty| self.enums_of(ty));
        if let (Some(array), Some(first)) = (enums, fitting.first().filter(|_| known)) {
            let element = DataType { dims: 0, args: Vec::new(), ..array.clone() };
            for (at, taken) in first.args.iter().enumerate() {
                let wanted = match taken.name {
                    "anyelement" | "anycompatible" => &element,
                    "anyarray" | "anycompatiblearray" => &array,
                    _ => continue,
                };
                if let Some(value) = literal(args, at) {
                    self.literal(part, value, &Some(wanted.clone()));
                }
            }
        }
        let field = match name {
            "date_part" => Some(FieldUse::Extract),
            "date_trunc" => Some(FieldUse::Truncate),
            _ => None,
        };
        if let (Some(of), Some(value), Some(ty)) = (field, literal(args, 0), args.types.get(1)) {
            // A day is asked as a moment.
            let ty = match ty.as_ref().filter(|ty| ty.schema.is_empty() && ty.name == "date") {
                Some(_) => crate::query::plain("timestamp"),
                None => ty.clone(),
            };
            self.field_in_string(part, value, &ty, of);
        }
        if let Some(value) = specc_facts::zone_argument(name, count).and_then(|at| literal(args, at)) {
            self.zone(part, value);
        }
        match name {
            "set_config" => {
                if let Some((setting, place)) = literal(args, 0).and_then(|value| self.string(part, value)) {
                    let given = literal(args, 1).and_then(|value| self.string(part, value));
                    self.setting(&setting, place, given);
                }
            }
            "current_setting" if count == 1 => {
                if let Some((setting, place)) = literal(args, 0).and_then(|value| self.string(part, value)) {
                    self.setting_named(&setting, place);
                }
            }
            "pg_get_serial_sequence" => {
                if let (Some(table), Some(column)) = (literal(args, 0), literal(args, 1)) {
                    self.relation_in_string(part, table, true);
                    self.column_in_string(part, table, column);
                }
            }
            _ => self.right_in_string(part, name, args),
        }
    }

    /// `has_table_privilege('public.deals', 'select')`
    fn right_in_string(&mut self, part: &Part<'_>, name: &str, args: &Args<'_>) {
        let Some(kind) = specc_facts::asked_right(name) else { return };
        let column = usize::from(name == "has_column_privilege");
        let Some(at) = args.exprs.len().checked_sub(2 + column) else { return };
        // The first of three may be the role.
        if let Some(value) = literal(args, at) {
            match kind {
                "table" | "sequence" => self.relation_in_string(part, value, kind == "table"),
                "function" => self.function_in_string(part, value),
                "type" => self.type_in_string(part, value),
                _ => {}
            }
            if let (1, Some(name)) = (column, literal(args, at + 1)) {
                self.column_in_string(part, value, name);
            }
        }
        let Some((text, (start, _))) = literal(args, at + 1 + column).and_then(|value| self.string(part, value)) else {
            return;
        };
        let mut from = start;
        for written in text.split(',') {
            let word = written.trim().to_lowercase();
            let (right, option) = match word.strip_suffix(" with grant option") {
                Some(right) => (right.trim(), true),
                None => (&*word, false),
            };
            let kind = if name.contains("column") { "column" } else { kind };
            if !specc_facts::is_right(kind, right) {
                let head = from + written.len() - written.trim_start().len();
                let message = format!("there is no right `{right}` on a {kind}");
                let help = format!("it is one of {}", specc_facts::rights(kind).collect::<Vec<_>>().join(", "));
                let _ = option;
                self.report((head, head + written.trim().len()), Problem::UnknownWord, message, Some(help));
            }
            from += written.len() + 1;
        }
    }

    /// The name of a column, as it is, beside that of its table.
    fn column_in_string(&mut self, part: &Part<'_>, table: &ValueWithSpan, column: &ValueWithSpan) {
        let Some(relation) = self.found_in_string(part, table) else { return };
        let Some((name, place)) = self.string(part, column) else { return };
        if relation.columns.iter().any(|c| c.name == name) {
            self.refer(place, Target::Column(relation.name, name));
        } else if relation.complete && self.caught == 0 {
            let near = specc_diag::nearest(&name, relation.columns.iter().map(|column| &*column.name));
            let help = near.map(|near| format!("did you mean `{near}`?"));
            let message = format!("`{}` has no column `{name}`", relation.name.name);
            self.report(place, Problem::UnknownColumn, message, help);
        }
    }

    /// `extract(year from at)`
    pub(crate) fn field(&mut self, part: &Part<'_>, field: &DateTimeField, inner: &Expr, ty: &Ty) {
        let (name, area) = match field {
            DateTimeField::Custom(ident) => (SmolStr::from(ident.value.to_lowercase()), ident.span),
            other => (SmolStr::from(other.to_string().to_lowercase()), inner.span()),
        };
        if let Some(place) = part.place(area).or_else(|| part.place(inner.span())) {
            self.field_named(&name, place, ty, FieldUse::Extract);
        }
    }

    fn field_in_string(&mut self, part: &Part<'_>, value: &ValueWithSpan, ty: &Ty, of: FieldUse) {
        if let Some((name, place)) = self.string(part, value) {
            self.field_named(&name, place, ty, of);
        }
    }

    fn field_named(&mut self, name: &SmolStr, place: (usize, usize), ty: &Ty, of: FieldUse) {
        let base = ty.as_ref().filter(|ty| ty.schema.is_empty() && ty.dims == 0).map(|ty| &*ty.name);
        // What is not told may be of any type.
        let told = match ty {
            Some(_) if base.is_none() => return,
            _ => base,
        };
        if specc_facts::is_field(name, told, of) {
            return;
        }
        let there = specc_facts::is_field(name, None, of);
        let message = match told.filter(|_| there) {
            Some(ty) => format!("a value of type `{ty}` has no `{name}`"),
            None => format!("a moment has no `{name}`"),
        };
        let near = specc_diag::nearest(name, specc_facts::field_names().filter(|f| specc_facts::is_field(f, told, of)));
        let help = near.map_or_else(
            || "write one such as `year`, `month`, `day`".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        self.report(place, Problem::UnknownWord, message, Some(help));
    }

    /// A literal that names a time zone.
    pub(crate) fn zone(&mut self, part: &Part<'_>, value: &ValueWithSpan) {
        if let Some((text, place)) = self.string(part, value) {
            self.zone_named(&text, place);
        }
    }

    /// Says where a name is almost that of a place with a time of its own.
    pub(crate) fn zone_named(&mut self, text: &str, place: (usize, usize)) {
        if let Some(meant) = specc_facts::zone_meant(text) {
            let message = format!("there is no time zone `{text}`");
            self.report(place, Problem::UnknownWord, message, Some(format!("did you mean `{meant}`?")));
        }
    }

    /// A time zone within the literal of a moment.
    pub(crate) fn zone_within(&mut self, text: &str, start: usize) {
        let mut at = 0;
        for word in text.split(' ') {
            if word.contains('/') && word.starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.zone_named(word, (start + at, start + at + word.len()));
            }
            at += word.len() + 1;
        }
    }

    /// Whether there is a setting of this name; says so where there is none.
    pub(crate) fn setting_named(&mut self, name: &str, place: (usize, usize)) -> Option<specc_facts::Setting> {
        // Names with a dot belong to extensions, or to the author.
        let found = specc_facts::setting(name);
        if found.is_none() && !name.contains('.') && self.caught == 0 {
            let near = specc_diag::nearest(name, specc_facts::setting_names());
            let help = near
                .map_or_else(|| "one of your own has a dot: `app.name`".to_owned(), |n| format!("did you mean `{n}`?"));
            self.report(place, Problem::Setting, format!("there is no setting `{name}`"), Some(help));
        }
        found
    }

    /// A setting that gets a value, which is known where it is a literal.
    pub(crate) fn setting(&mut self, name: &str, place: (usize, usize), value: Option<(SmolStr, (usize, usize))>) {
        let Some(found) = self.setting_named(name, place) else { return };
        if !found.in_session {
            let message = format!("`{name}` cannot be set in a session");
            return self.report(place, Problem::Setting, message, Some("it is a setting of the server".to_owned()));
        }
        let Some((text, place)) = value else { return };
        if found.name == "TimeZone" {
            return self.zone_named(&text, place);
        }
        if let Err(help) = found.read(&text) {
            self.report(place, Problem::Setting, format!("`{name}` does not take `{text}`"), Some(help));
        }
    }

    /// `set local work_mem = '4MB'`, `set time zone 'UTC'`
    pub(crate) fn set_statement(&mut self, part: &Part<'_>, set: &Set) {
        match set {
            Set::SingleAssignment { variable, values, .. } => {
                let Some(written) = crate::find::idents(variable) else { return };
                // `timezone` is a word of the grammar.
                let first = values.first().and_then(|value| part.place(value.span()));
                let Some(place) = crate::find::place(part, &written).or(first) else { return };
                let names: Vec<SmolStr> = written.iter().map(|ident| crate::text::folded(ident)).collect();
                let name = names.join(".");
                // Words of the grammar.
                if matches!(&*name, "role" | "session_authorization" | "transaction" | "names" | "schema" | "xml") {
                    return;
                }
                let value = match &values[..] {
                    [one] => self.written_value(part, one),
                    _ => None,
                };
                self.setting(&name, place, value);
            }
            Set::SetTimeZone { value: Expr::Value(value), .. } => self.zone(part, value),
            _ => {}
        }
    }

    /// A value as `set` takes it: a literal, a word or a number.
    fn written_value(&self, part: &Part<'_>, expr: &Expr) -> Option<(SmolStr, (usize, usize))> {
        match expr {
            Expr::Value(value) if matches!(value.value, Value::SingleQuotedString(_)) => self.string(part, value),
            Expr::Value(value) => Some((value.value.to_string().into(), part.place(value.span)?)),
            Expr::Identifier(Ident { value, span, .. }) if !value.eq_ignore_ascii_case("default") => {
                Some((value.as_str().into(), part.place(*span)?))
            }
            _ => None,
        }
    }

    /// `collate "de_DE"`
    pub(crate) fn collation(&mut self, part: &Part<'_>, written: &[&Ident]) {
        let names: Vec<SmolStr> = written.iter().map(|ident| crate::text::folded(ident)).collect();
        let Some(place) = crate::find::place(part, written) else { return };
        match &names[..] {
            [name] => self.collation_named(place, None, name),
            [schema, name] => self.collation_named(place, Some(schema), name),
            _ => {}
        }
    }

    pub(crate) fn collation_named(&mut self, place: (usize, usize), schema: Option<&str>, name: &str) {
        if let Some(schema) = schema {
            self.refer(place, Target::Collation(specc_catalog::Qualified::new(schema, name)));
        }
        let own = schema.is_none_or(|schema| schema == "pg_catalog");
        if own && !specc_facts::may_be_collation(name) && !self.env.makes(name) && self.caught == 0 {
            let message = format!("there is no collation `{name}`");
            let help = match specc_facts::may_be_collation(&name.to_uppercase()) {
                true => format!("write it in quotes: `collate \"{}\"`", name.to_uppercase()),
                false => "write one that there is, such as `\"C\"` or `\"de-x-icu\"`".to_owned(),
            };
            self.report(place, Problem::UnknownWord, message, Some(help));
        }
    }

    /// Says where a configuration, dictionary or parser of text search is not there.
    pub(crate) fn searching(&mut self, what: Searching, schema: Option<&str>, name: &str, place: (usize, usize)) {
        let own = schema.is_none_or(|schema| schema == "pg_catalog");
        if specc_facts::searches(what, name) && own || self.env.makes(name) || self.caught > 0 {
            return;
        }
        let near = specc_diag::nearest(name, specc_facts::searching(what));
        // An extension may bring a dictionary.
        if !own || what != Searching::Configuration && near.is_none() {
            return;
        }
        let what = match what {
            Searching::Configuration => "configuration",
            Searching::Dictionary => "dictionary",
            Searching::Parser => "parser",
        };
        let help = near
            .map_or_else(|| "write one such as `english` or `simple`".to_owned(), |n| format!("did you mean `{n}`?"));
        let message = format!("there is no text search {what} `{name}`");
        self.report(place, Problem::UnknownWord, message, Some(help));
    }
}
