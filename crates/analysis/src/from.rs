//! What `from` brings into sight.

use crate::calls::Args;
use crate::convert::Kind;
use crate::find::{idents, place};
use crate::scope::{Level, Output, Seen, Source, record, seen};
use crate::text::{Part, folded};
use crate::types::from_table;
use crate::walk::Walk;
use crate::{Carried, Problem, Stars, Target};
use smol_str::SmolStr;
use specc_expr::sqlparser::ast::{
    Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, JoinConstraint, JoinOperator, JsonTableColumn,
    ObjectName, Spanned, TableAlias, TableFactor, TableWithJoins,
};
use specc_facts::{Spelled, Variant};

impl Walk<'_> {
    pub(crate) fn level(&mut self) -> &mut Level {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    pub(crate) fn table_with_joins(&mut self, part: &Part<'_>, table: &TableWithJoins) {
        self.factor(part, &table.relation);
        for join in &table.joins {
            self.factor(part, &join.relation);
            let constraint = match &join.join_operator {
                JoinOperator::Join(c)
                | JoinOperator::Inner(c)
                | JoinOperator::Left(c)
                | JoinOperator::LeftOuter(c)
                | JoinOperator::Right(c)
                | JoinOperator::RightOuter(c)
                | JoinOperator::FullOuter(c)
                | JoinOperator::CrossJoin(c) => c,
                _ => continue,
            };
            match constraint {
                JoinConstraint::On(condition) => {
                    self.condition(part, "on", condition);
                    self.no_aggregate(part, condition, "on");
                    self.no_set(part, condition, "on");
                }
                JoinConstraint::Using(names) => {
                    names.iter().for_each(|name| self.using(part, name));
                    names.iter().filter_map(specc_expr::join_alias).for_each(|alias| self.join_alias(alias, names));
                }
                JoinConstraint::Natural => {
                    self.level().natural = true;
                    self.merges(None);
                }
                JoinConstraint::None => {
                    let crossed = matches!(join.join_operator, JoinOperator::CrossJoin(_));
                    if !crossed {
                        let help = "write `on …`, or `cross join`".to_owned();
                        let area = join.relation.span();
                        self.report_at(part, area, Problem::Syntax, "this join does not say what it is on", Some(help));
                    }
                }
            }
        }
    }

    /// A column that two rows share.
    fn using(&mut self, part: &Part<'_>, name: &ObjectName) {
        let Some([ident]) = idents(name).as_deref().map(|i| <[_; 1]>::try_from(i).ok()).unwrap_or_default() else {
            return;
        };
        let (name, Some(place)) = (folded(ident), part.place(ident.span)) else { return };
        let level = self.level();
        let sources: Vec<Source> = level.sources.iter().filter(|s| !s.named_only).cloned().collect();
        level.merged.push(name.clone());
        self.merges(Some(&name));
        let Some((joined, before)) = sources.split_last() else { return };
        let has = |source: &&Source| source.column(&name).is_some();
        // One finding is enough where neither side has it.
        if let ([only], false) = (before, has(&joined)) {
            return drop(self.column_of(if has(&only) { joined } else { only }, place, &name));
        }
        for source in before.iter().filter(has).chain([joined]) {
            self.column_of(source, place, &name);
        }
        if let [only] = before {
            self.column_of(only, place, &name);
        }
    }

    /// The last row that came into sight is joined by a column of this name, or by all whose names others have too.
    fn merges(&mut self, name: Option<&str>) {
        let Some((joined, before)) = self.level().sources.split_last() else { return };
        let is_one = |wanted: &str| name.is_none_or(|name| name == wanted);
        let shared = joined.columns.iter().filter(|column| is_one(&column.name));
        let shared = shared.filter(|column| before.iter().any(|source| source.column(&column.name).is_some()));
        let all = shared.flat_map(|column| {
            let others = before.iter().filter_map(|source| source.column(&column.name));
            std::iter::once(column).chain(others).filter_map(|column| column.of.clone())
        });
        let all: Vec<_> = all.map(|(relation, column)| (Target::Column(relation, column), Carried::Inner)).collect();
        self.out.carried.extend(all);
    }

    /// `using (a, b) as alias`: a row of the columns that both sides share.
    fn join_alias(&mut self, alias: &Ident, names: &[ObjectName]) {
        let shared: Vec<SmolStr> = names.iter().filter(|name| name.0.len() == 1).filter_map(last).collect();
        let sources = &self.level().sources;
        let column = |name: &SmolStr| sources.iter().find_map(|source| source.column(name)).cloned();
        let columns = shared.iter().filter_map(column).collect();
        let complete = sources.iter().all(|source| source.complete);
        let row = Source { columns, complete, named_only: true, row: record(), ..Source::open(folded(alias)) };
        self.level().sources.push(row);
    }

    pub(crate) fn factor(&mut self, part: &Part<'_>, factor: &TableFactor) {
        // `from current_date`
        if let TableFactor::Table { name, alias, args: None, with_ordinality, .. } = factor
            && let (Some(ty), Some(called)) = (specc_expr::session_value(name), last(name))
        {
            let output = Output {
                columns: vec![(called.clone(), crate::query::plain(ty))],
                complete: true,
                ..Output::default()
            };
            return self.push_function(part, output, alias.as_ref(), &called, *with_ordinality, true);
        }
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let source = self.table(part, name, alias.as_ref());
                let again = |other: &&Source| other.name == source.name && !other.named_only;
                // Two tables of one name in two schemas are told apart by their schemas.
                let apart = |other: &Source| source.own_name && other.own_name && source.relation != other.relation;
                if self.level().sources.iter().filter(again).any(|other| !apart(other)) {
                    let area = alias.as_ref().map_or_else(|| name.span(), |alias| alias.name.span);
                    let message = format!("two tables of this query are called `{}`", source.name);
                    let help = "give one of the two another alias".to_owned();
                    self.report_at(part, area, Problem::Twice, message, Some(help));
                }
                self.level().sources.push(source);
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. }
                if specc_expr::is_rows_from(name) =>
            {
                self.rows_from(part, &args.args, alias.as_ref(), *with_ordinality);
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.table_function(part, name, &args.args, alias.as_ref(), *with_ordinality);
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                self.table_function(part, name, args, alias.as_ref(), *with_ordinality);
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let hidden = if *lateral { Vec::new() } else { std::mem::take(&mut self.level().sources) };
                let mut output = self.query(part, subquery);
                if let [(column, _)] = &mut output.columns[..]
                    && specc_expr::is_form(column)
                {
                    *column = alias.as_ref().map_or_else(|| "?column?".into(), |alias| folded(&alias.name));
                }
                if !lateral {
                    self.level().sources = hidden;
                }
                self.names_fit(part, &output, alias.as_ref());
                let source = derived(output, alias.as_ref());
                self.level().sources.push(source);
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } => {
                let mut columns: Vec<(SmolStr, crate::scope::Ty)> = Vec::new();
                let mut complete = true;
                for array in array_exprs {
                    let ty = self.expr(part, array);
                    if let Some(given) = ty.as_ref().filter(|ty| matches!(self.kind(ty), Some((_, false))))
                        && given.name != "tsvector"
                    {
                        let message = format!("`unnest` takes an array, and this is of type `{given}`");
                        let help = "write `array[…]`, or put the value into `from (values (…))`".to_owned();
                        self.report_at(part, array.span(), Problem::WrongArguments, message, Some(help));
                    }
                    // However deep an array is, its rows are no arrays.
                    let element = ty.filter(|ty| ty.dims > 0);
                    let element = element.map(|t| specc_catalog::DataType { dims: 0, args: Vec::new(), ..t });
                    let row = element.as_ref().and_then(|e| self.env.fields(&e.schema, &e.name));
                    match row {
                        Some(fields) => columns.extend(fields.into_iter().map(|c| (c.name, c.ty))),
                        None => {
                            complete &= element.as_ref().is_some_and(|element| self.kind(element).is_some());
                            columns.push(("unnest".into(), element));
                        }
                    }
                }
                let output = Output { columns, complete, ..Output::default() };
                self.push_function(part, output, alias.as_ref(), "unnest", *with_ordinality, array_exprs.len() == 1);
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let before = self.level().sources.len();
                self.table_with_joins(part, table_with_joins);
                if let Some(alias) = alias {
                    // The alias hides the names of the tables in it.
                    self.level().sources[before..].iter_mut().for_each(|source| source.name = SmolStr::default());
                    self.level().sources.push(Source { row: record(), ..Source::open(folded(&alias.name)) });
                }
            }
            TableFactor::JsonTable { json_expr, columns, alias, .. } => {
                self.expr(part, json_expr);
                let mut output = Output { columns: Vec::new(), complete: true, ..Output::default() };
                self.json_columns(part, columns, &mut output);
                let mut source = derived(output, alias.as_ref());
                if alias.is_none() {
                    source.name = "json_table".into();
                }
                self.level().sources.push(source);
            }
            _ => self.level().sources.push(Source::open(SmolStr::default())),
        }
    }

    /// The columns that `json_table` says it gives; those of a nested path stand beside the others.
    fn json_columns(&mut self, part: &Part<'_>, columns: &[JsonTableColumn], output: &mut Output) {
        for column in columns {
            match column {
                JsonTableColumn::Named(named) => {
                    let ty = self.data_type(part, &named.r#type);
                    output.columns.push((folded(&named.name), ty));
                }
                JsonTableColumn::ForOrdinality(name) => {
                    output.columns.push((folded(name), crate::query::plain("int")));
                }
                JsonTableColumn::Nested(nested) => self.json_columns(part, &nested.columns, output),
            }
        }
    }

    /// A relation, or a `with` query.
    pub(crate) fn table(&mut self, part: &Part<'_>, name: &ObjectName, alias: Option<&TableAlias>) -> Source {
        let Some(written) = idents(name) else { return Source::open(alias_name(alias)) };
        let last = written.last().map(|ident| folded(ident)).unwrap_or_default();
        if let [_] = written[..]
            && let Some((_, output)) = self.with.iter().rev().find(|(name, _)| *name == last)
        {
            let source = derived(output.clone(), alias);
            return Source { name: if alias.is_some() { source.name } else { last }, ..source };
        }
        if let [_] = written[..]
            && let Some(rows) = self.transition(&last)
        {
            let mut source = Source { name: alias.map_or(last, |alias| folded(&alias.name)), ..rows };
            rename(&mut source, alias);
            return source;
        }
        let schema = written.len().checked_sub(2).map(|at| folded(written[at]));
        if let Some(rows) = self.temporary_table(schema.as_deref(), &last) {
            let mut source = Source { name: alias.map_or(last, |alias| folded(&alias.name)), ..rows };
            rename(&mut source, alias);
            return source;
        }
        let found = self.relation(part, name);
        let shown = alias.map_or(last, |alias| folded(&alias.name));
        let mut source = match found {
            Some(found) => Source {
                name: shown,
                schema: Some(found.name.schema.clone()),
                own_name: alias.is_none(),
                columns: seen(&found.name, &found.columns),
                complete: found.complete,
                relation: Some(found.name),
                named_only: false,
                row: None,
                stars: Stars::default(),
            },
            None => Source::open(shown),
        };
        rename(&mut source, alias);
        source
    }

    /// A transition table: the rows that a statement wrote, with the columns of their table.
    fn transition(&mut self, name: &str) -> Option<Source> {
        let mut tables = self.transitions.iter().filter(|(own, _)| own == name).map(|(_, of)| of.clone());
        let of = tables.next()?;
        // Triggers of several tables may call it so.
        if tables.any(|other| other != of) {
            return Some(Source::open(name.into()));
        }
        let row = crate::walk::Row { name: name.into(), relation: of, named_only: false };
        Some(self.row(&row))
    }

    fn table_function(
        &mut self,
        part: &Part<'_>,
        name: &ObjectName,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
        ordinality: bool,
    ) {
        let Some((called, found, output, is_typed)) = self.rows_of_call(part, name, args) else {
            return self.level().sources.push(Source::open(alias_name(alias)));
        };
        // A function that gives records needs to be told their columns.
        let tells = alias.is_some_and(|alias| alias.columns.iter().any(|column| column.data_type.is_some()));
        for column in alias.iter().flat_map(|alias| &alias.columns) {
            if let Some(ty) = &column.data_type {
                self.data_type(part, ty);
            }
        }
        if !tells && !found && idents(name).is_some_and(|written| self.gives_records(&written)) {
            let message = format!("`{called}` gives records, and does not say their columns");
            let help = "write them: `as r (a int, b text)`".to_owned();
            self.report_at(part, name.span(), Problem::WrongCount, message, Some(help));
        }
        self.push_function(part, output, alias, &called, ordinality, is_typed);
    }

    /// The rows of a function in `from`: how it is called, whether it is one of the author's, its columns, and whether they are
    /// those of a type.
    fn rows_of_call(
        &mut self,
        part: &Part<'_>,
        name: &ObjectName,
        args: &[FunctionArg],
    ) -> Option<(SmolStr, bool, Output, bool)> {
        let args = self.arguments(part, args);
        let written = idents(name)?;
        let called = written.last().map(|ident| folded(ident)).unwrap_or_default();
        let found = place(part, &written).and_then(|at| self.routine(part, at, &written, &args));
        // In `from` lists of any number may stand side by side.
        let lists = called == "unnest" && args.exprs.len() > 1;
        if let (None, false, Some(at)) = (&found, args.loose || lists, place(part, &written)) {
            self.no_built_in(at, &written, &args, &[]);
        }
        let output = match &found {
            Some(routine) if !routine.columns.is_empty() => {
                let columns = routine.columns.iter().map(|c| (c.name.clone(), c.ty.clone())).collect();
                Output { columns, complete: true, ..Output::default() }
            }
            Some(routine) if !routine.opaque => match &routine.returns {
                Some(ty) => match self.env.fields(&ty.schema, &ty.name).filter(|_| ty.dims == 0) {
                    Some(fields) => {
                        let relation = self.env.relation(&ty.schema, &ty.name).found();
                        let complete = relation.is_none_or(|relation| relation.complete);
                        let columns = fields.into_iter().map(|c| (c.name, c.ty)).collect();
                        Output { columns, complete, stars: Stars::of(&ty.schema, &ty.name) }
                    }
                    None => Output {
                        columns: vec![(called.clone(), Some(ty.clone()))],
                        complete: true,
                        ..Output::default()
                    },
                },
                None => Output::open(),
            },
            Some(_) => Output::open(),
            None => self.rows_of_built_in(&written, &args),
        };
        let is_typed = match &found {
            Some(routine) => routine.columns.is_empty(),
            None => specc_facts::row_columns(&called).is_empty(),
        };
        Some((called, found.is_some(), output, is_typed))
    }

    /// `rows from (f(1), g(2))`: the columns of each function beside those of the others.
    fn rows_from(&mut self, part: &Part<'_>, args: &[FunctionArg], alias: Option<&TableAlias>, ordinality: bool) {
        let mut all = Output { columns: Vec::new(), complete: true, ..Output::default() };
        // Without an alias they are called as the first of them.
        let mut first = SmolStr::default();
        for arg in args {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(call))) = arg else {
                all.complete = false;
                continue;
            };
            let FunctionArguments::List(list) = &call.args else {
                self.call(part, call);
                all.complete = false;
                continue;
            };
            match self.rows_of_call(part, &call.name, &list.args) {
                Some((called, _, output, _)) => {
                    if first.is_empty() {
                        first = called;
                    }
                    all.complete &= output.complete;
                    all.columns.extend(output.columns);
                }
                None => all.complete = false,
            }
        }
        self.push_function(part, all, alias, &first, ordinality, args.len() == 1);
    }

    /// Whether a function of Postgres's own gives records without names.
    fn gives_records(&self, written: &[&Ident]) -> bool {
        let Some(called) = written.last().map(|ident| folded(ident)) else { return false };
        let variants = specc_facts::functions(&called);
        let records = !variants.is_empty() && variants.iter().all(|v| v.result.name == "record" && v.extension == "-");
        records && self.is_built_in(written) && specc_facts::row_columns(&called).is_empty()
    }

    /// The columns of what a function of Postgres's own gives.
    fn rows_of_built_in(&self, written: &[&Ident], args: &Args<'_>) -> Output {
        let [ident] = written else { return Output::open() };
        let called = folded(ident);
        if !self.is_built_in(written) || called == "unnest" {
            return Output::open();
        }
        let columns = specc_facts::row_columns(&called);
        let variants = specc_facts::functions(&called);
        if !columns.is_empty() {
            let column = |(name, ty): &(&'static str, Option<Spelled>)| (SmolStr::from(*name), ty.and_then(from_table));
            return Output { columns: columns.iter().map(column).collect(), complete: true, ..Output::default() };
        }
        let one = |v: &Variant| {
            let several =
                v.result.name == "record" || v.result.name == "anyelement" || v.result.name == "anycompatible";
            !several && v.extension == "-" || v.result.array
        };
        // It gives a row of what it is given.
        if let (true, Some((Kind::Row(schema, name), false))) = (
            variants.iter().all(|v| v.result.name == "anyelement"),
            args.types.first().and_then(|ty| self.kind(ty.as_ref()?)),
        ) && let Some(fields) = self.env.fields(&schema, &name)
        {
            let columns = fields.into_iter().map(|c| (c.name, c.ty)).collect();
            return Output { columns, complete: true, stars: Stars::of(&schema, &name) };
        }
        if variants.is_empty() || !variants.iter().all(one) {
            return Output::open();
        }
        let ty = self.rows_type(&called, args);
        Output { columns: vec![(called, ty)], complete: true, ..Output::default() }
    }

    /// No more names than there are columns: `from f() as t (a, b)`.
    fn names_fit(&mut self, part: &Part<'_>, output: &Output, alias: Option<&TableAlias>) {
        let (given, there) = (alias.map_or(0, |alias| alias.columns.len()), output.columns.len());
        if let Some(alias) = alias.filter(|_| output.complete && given > there) {
            let message = format!("`{}` has {}, and {given} names", alias.name.value, crate::query::columns(there));
            let help = "give each column one name".to_owned();
            self.report_at(part, alias.name.span, Problem::WrongCount, message, Some(help));
        }
    }

    fn push_function(
        &mut self,
        part: &Part<'_>,
        output: Output,
        alias: Option<&TableAlias>,
        called: &str,
        ordinality: bool,
        is_typed: bool,
    ) {
        let mut output = output;
        // The one column of a function has the function's alias as its name.
        if let (Some(alias), [(name, _)]) = (alias, &mut output.columns[..])
            && name == called
        {
            *name = folded(&alias.name);
        }
        if ordinality && output.complete {
            output.columns.push(("ordinality".into(), Some(specc_catalog::DataType::builtin("bigint"))));
        }
        self.names_fit(part, &output, alias);
        // One column may be the value itself, and columns that are not all known may be those of a type.
        let is_row = ordinality || output.complete && output.columns.len() > 1 && !is_typed;
        let mut source = Source { row: record().filter(|_| is_row), ..derived(output, alias) };
        if alias.is_none() {
            source.name = called.into();
        }
        // `as t(a int, b text)` gives names and types to what has none.
        if let Some(alias) = alias.filter(|a| !source.complete && a.columns.iter().any(|c| c.data_type.is_some())) {
            let types: Vec<_> = alias
                .columns
                .iter()
                .map(|c| (folded(&c.name), c.data_type.as_ref().and_then(|ty| self.data_type(part, ty))))
                .collect();
            source.columns = types.into_iter().map(|(name, ty)| Seen { name, ty, of: None }).collect();
            source.complete = !ordinality;
            source.row = record();
        }
        self.level().sources.push(source);
    }
}

/// The last part of a name.
fn last(name: &ObjectName) -> Option<SmolStr> {
    name.0.last().and_then(|part| part.as_ident()).map(folded)
}

fn alias_name(alias: Option<&TableAlias>) -> SmolStr {
    alias.map_or_else(SmolStr::default, |alias| folded(&alias.name))
}

/// The row of a query in `from`.
fn derived(output: Output, alias: Option<&TableAlias>) -> Source {
    let columns = output.columns.into_iter().map(|(name, ty)| Seen { name, ty, of: None }).collect();
    let mut source = Source {
        columns,
        complete: output.complete,
        row: record(),
        stars: output.stars,
        ..Source::open(alias_name(alias))
    };
    rename(&mut source, alias);
    source
}

/// Gives the first columns the names that an alias has for them.
fn rename(source: &mut Source, alias: Option<&TableAlias>) {
    for (at, column) in alias.iter().flat_map(|alias| &alias.columns).enumerate() {
        match source.columns.get_mut(at) {
            Some(seen) => seen.name = folded(&column.name),
            None => source.columns.push(Seen { name: folded(&column.name), ty: None, of: None }),
        }
    }
}
