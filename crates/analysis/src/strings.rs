//! Names in strings, where a string stands for an object: `'public.events'::regclass`.

use crate::convert::Kind;
use crate::environment::{Lookup, Relation, Routine};
use crate::scope::Ty;
use crate::text::{Part, folded};
use crate::walk::Walk;
use crate::{Problem, Target};
use smol_str::SmolStr;
use specc_catalog::{DataType, Qualified};
use specc_expr::sqlparser::ast::{
    BinaryOperator, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Value, ValueWithSpan,
};
use specc_facts::{Family, Searching};

/// Schema, name and place.
type NameAt = (Option<SmolStr>, SmolStr, (usize, usize));

impl Walk<'_> {
    /// A literal of a type that is written: of one that stands for objects, the name of an object.
    pub(crate) fn literal_of(
        &mut self,
        part: &Part<'_>,
        value: &ValueWithSpan,
        data_type: &specc_expr::sqlparser::ast::DataType,
        ty: &Ty,
    ) {
        self.literal_of_type(part, value, &crate::types::spelled(data_type), ty);
    }

    /// A literal of the type that is called so.
    pub(crate) fn literal_of_type(&mut self, part: &Part<'_>, value: &ValueWithSpan, name: &str, ty: &Ty) {
        match name {
            "regclass" => self.relation_in_string(part, value, true),
            "regproc" | "regprocedure" => self.function_in_string(part, value),
            "regtype" => self.type_in_string(part, value),
            "regconfig" => self.configuration_in_string(part, value),
            "regdictionary" => {
                if let Some((schema, name, place)) = self.name_in_string(part, value) {
                    self.searching(Searching::Dictionary, schema.as_deref(), &name, place);
                }
            }
            "regcollation" => {
                if let Some((schema, name, place)) = self.name_in_string(part, value) {
                    self.collation_named(place, schema.as_deref(), &name);
                }
            }
            name if specc_facts::family(name) == Family::Oid => {}
            _ => self.literal(part, value, ty),
        }
    }

    /// The text in a plain string, and its place without the quotes.
    pub(crate) fn string(&self, part: &Part<'_>, value: &ValueWithSpan) -> Option<(SmolStr, (usize, usize))> {
        let Value::SingleQuotedString(text) = &value.value else { return None };
        let (start, end) = part.place(value.span)?;
        (end - start == text.len() + 2).then(|| (text.as_str().into(), (start + 1, end - 1)))
    }

    /// `'public.events'` where a `regclass` is wanted.
    pub(crate) fn relation_in_string(&mut self, part: &Part<'_>, value: &ValueWithSpan, any: bool) {
        let Some((schema, name, place)) = self.name_in_string(part, value) else { return };
        if self.no_schema_in_string(place, schema.as_deref()) {
            return;
        }
        // Postgres's own relations and indexes are not all known.
        let open = any && schema.is_none() && name.starts_with("pg_");
        match self.on_path(schema.as_deref(), |schema| self.env.relation(schema, &name)) {
            Lookup::Found(relation) => {
                if !any && !relation.columns.is_empty() {
                    let message = format!("`{name}` is no sequence");
                    let help = format!("write the name of one, such as that of a column: `{name}_id_seq`");
                    self.report(place, Problem::NotHere, message, Some(help));
                }
                self.refer(place, Target::Relation(relation.name));
            }
            Lookup::Missing
                if !open && self.is_certain(schema.as_deref(), &name) && !(any && self.env.is_index(&name)) =>
            {
                let what = if any { "table, view or sequence" } else { "sequence" };
                self.missing_in_string(value, place, &name, what, Problem::UnknownRelation);
            }
            Lookup::Missing | Lookup::Unknown => {}
        }
    }

    /// `'public.total'` where a `regproc` is wanted.
    pub(crate) fn function_in_string(&mut self, part: &Part<'_>, value: &ValueWithSpan) {
        let Some((schema, name, place)) = self.name_in_string(part, value) else { return };
        if self.no_schema_in_string(place, schema.as_deref()) {
            return;
        }
        if schema.is_none() && self.env.functions("pg_catalog", &name) != Lookup::Missing {
            return;
        }
        match self.on_path(schema.as_deref(), |schema| self.env.functions(schema, &name)) {
            Lookup::Found(mut all) => {
                let any = Routine::any(all[0].name.clone());
                if let Some(signature) = self.signature_in_string(part, value).filter(|_| !all.contains(&any)) {
                    let ways: Vec<String> = all.iter().map(|r| format!("`{}({})`", r.name.name, r.signature)).collect();
                    all.retain(|routine| routine.signature == signature);
                    if all.is_empty() && self.caught == 0 {
                        let message = format!("there is no `{name}({signature})`");
                        let help = format!("it is {}", ways.join(" or "));
                        self.report(place, Problem::WrongArguments, message, Some(help));
                    }
                }
                for routine in all {
                    self.refer(place, Target::Function(routine.name, routine.signature));
                }
            }
            Lookup::Missing if self.is_certain(schema.as_deref(), &name) => {
                self.missing_in_string(value, place, &name, "function", Problem::UnknownFunction);
            }
            Lookup::Missing | Lookup::Unknown => {}
        }
    }

    /// The types in the parentheses of `'public.total(int, date)'`, as the catalog has them; none where one is not known.
    fn signature_in_string(&self, part: &Part<'_>, value: &ValueWithSpan) -> Option<String> {
        let (text, _) = self.string(part, value)?;
        let types = text.trim().strip_suffix(')')?.split_once('(')?.1;
        if types.contains(['(', '"']) {
            return None;
        }
        let one = |written: &str| {
            let (name, dims) = match written.trim().strip_suffix("[]") {
                Some(name) => (name.to_lowercase(), 1),
                None => (written.trim().to_lowercase(), 0),
            };
            let found = match specc_facts::canonical_type(&name) {
                Some(known) => DataType::builtin(known),
                None => match name.split_once('.') {
                    Some((schema, name)) => self.env.data_type(schema, name).found()?,
                    None => self.on_path(None, |schema| self.env.data_type(schema, &name)).found()?,
                },
            };
            Some(DataType { dims, ..found }.to_string())
        };
        let types = types.split(',').filter(|written| !written.trim().is_empty());
        Some(types.map(one).collect::<Option<Vec<String>>>()?.join(", "))
    }

    /// `'public.mood'` where a `regtype` is wanted.
    pub(crate) fn type_in_string(&mut self, part: &Part<'_>, value: &ValueWithSpan) {
        let Some((schema, name, place)) = self.name_in_string(part, value) else { return };
        if self.no_schema_in_string(place, schema.as_deref()) {
            return;
        }
        if schema.is_none() && self.env.data_type("pg_catalog", &name) != Lookup::Unknown {
            return;
        }
        match self.on_path(schema.as_deref(), |schema| self.env.data_type(schema, &name)) {
            Lookup::Found(ty) => self.refer(place, Target::Type(Qualified::new(ty.schema, ty.name))),
            Lookup::Missing if self.is_certain(schema.as_deref(), &name) => {
                self.missing_in_string(value, place, &name, "type", Problem::UnknownType);
            }
            Lookup::Missing | Lookup::Unknown => {}
        }
    }

    /// The relation that a string names, where it is known.
    pub(crate) fn found_in_string(&self, part: &Part<'_>, value: &ValueWithSpan) -> Option<Relation> {
        let (schema, name, _) = self.name_in_string(part, value)?;
        self.on_path(schema.as_deref(), |schema| self.env.relation(schema, &name)).found()
    }

    /// Whether what a string names surely is not there: no error is caught, nothing makes it, and it is found in no
    /// schema that who calls may have on the path.
    fn is_certain(&self, schema: Option<&str>, name: &str) -> bool {
        let elsewhere = schema.is_none() && !self.fixed_path && !self.env.elsewhere(name).is_empty();
        self.caught == 0 && !self.made.iter().any(|made| made == name) && !self.open_tables && !elsewhere
    }

    fn missing_in_string(
        &mut self,
        value: &ValueWithSpan,
        place: (usize, usize),
        name: &str,
        what: &str,
        problem: Problem,
    ) {
        let message = format!("there is no {what} `{}`", value.to_string().trim_matches('\''));
        let near = self.env.similar(name, problem == Problem::UnknownFunction);
        self.report(place, problem, message, near.map(|near| format!("did you mean `{near}`?")));
    }

    /// `'public.plain'` where a `regconfig` is wanted.
    pub(crate) fn configuration_in_string(&mut self, part: &Part<'_>, value: &ValueWithSpan) {
        let Some((schema, name, place)) = self.name_in_string(part, value) else { return };
        let found = self.on_path(schema.as_deref(), |schema| self.env.configuration(schema, &name));
        match found.found() {
            Some(name) => self.refer(place, Target::Configuration(name)),
            None => self.searching(Searching::Configuration, schema.as_deref(), &name, place),
        }
    }

    /// `to_jsonb(new) ->> 'title'`: the key of a row is one of its columns.
    pub(crate) fn key_of_row(&mut self, part: &Part<'_>, left: &Expr, op: &BinaryOperator, right: &Expr) {
        let Expr::Value(value) = right else { return };
        // `?` asks whether there is such a key, and `-` takes none away where there is none.
        let asks = matches!(op, BinaryOperator::Arrow | BinaryOperator::LongArrow);
        let (true, Some((key, place))) = (asks, self.string(part, value)) else { return };
        let Some(row) = self.document_of(part, left) else { return };
        let relation = self.env.relation(&row.schema, &row.name).found();
        let complete = relation.is_none_or(|relation| relation.complete);
        let Some(fields) = self.env.fields(&row.schema, &row.name).filter(|_| complete && row.dims == 0) else {
            return;
        };
        if fields.iter().any(|field| field.name == key) || self.made.contains(&row.name) {
            return;
        }
        let near = specc_diag::nearest(&key, fields.iter().map(|field| field.name.as_str()));
        let help = near.map(|near| format!("did you mean `{near}`?"));
        let message = format!("a row of `{}` has no `{key}`, so nothing is ever found by this key", row.name);
        self.report(place, Problem::RowKey, message, help);
    }

    /// The type of the row that an expression makes a document of.
    fn document_of(&mut self, part: &Part<'_>, expr: &Expr) -> Ty {
        match expr {
            Expr::Nested(inner) => self.document_of(part, inner),
            Expr::Cast { expr: inner, .. } => self.document_of(part, inner),
            Expr::Function(call) => {
                let (FunctionArguments::List(list), [name]) = (&call.args, &call.name.0[..]) else { return None };
                let name = folded(name.as_ident()?);
                let [FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Identifier(row)))] = &list.args[..] else {
                    return None;
                };
                // It was resolved already.
                let (references, findings) = (self.out.references.len(), self.out.findings.len());
                let ty = specc_facts::makes_document_of_row(&name).then(|| self.name(part, &[row]));
                self.out.references.truncate(references);
                self.out.findings.truncate(findings);
                ty.flatten().filter(|ty| matches!(self.kind(ty), Some((Kind::Row(..), false))))
            }
            _ => None,
        }
    }

    /// The name in a plain string, its schema where that is written, and the place without the quotes.
    fn name_in_string(&self, part: &Part<'_>, value: &ValueWithSpan) -> Option<NameAt> {
        let (text, place) = self.string(part, value)?;
        let mut tokens: Vec<_> = specc_split::Lexer::new(&text).map_while(Result::ok).collect();
        // The types in `one(int)` are not looked at.
        let opens = |token: &specc_split::Token| token.kind == specc_split::TokenKind::Symbol(b'(');
        if let Some(at) = tokens.iter().position(opens).filter(|_| text.ends_with(')')) {
            tokens.truncate(at);
        }
        let place = match (tokens.first(), tokens.last()) {
            (Some(first), Some(last)) => (place.0 + first.start, place.0 + last.end),
            _ => place,
        };
        let mut names = tokens.iter().filter_map(|token| token.name(&text));
        match (names.next(), names.next(), tokens.len()) {
            (Some(name), None, 1) => Some((None, name.into(), place)),
            (Some(schema), Some(name), 3) => Some((Some(schema.into()), name.into(), place)),
            _ => None,
        }
    }
}
