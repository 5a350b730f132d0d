//! How the values of a column become values of another type, and what is asked of them first.

use crate::account::Warning;
use crate::action_graph::{Role, Slot};
use crate::place::{NewPlace, NodeId};
use crate::planner::{Builder, NoCast};
use crate::schedule::Phase;
use crate::strategies::casts;
use crate::strategies::in_place::table::Chain;
use specc_analysis::Target;
use specc_analysis::catalog::{Known, Quotes, rewritten};
use specc_catalog::{Column, DataType, Entry, Kind, Object, Qualified, Rename, Rule, Table, TableName};
use specc_facts::Conversion;
use specc_sql::quote::{ident, literal};
use specc_sql::{Alter, Convert, Statement, has_equality};

/// References lead to references no further than this.
const DEPTH: usize = 16;

/// How a value of a column becomes one of another type.
pub(crate) struct Way<'d> {
    /// Over the row; the column itself where Postgres takes it as it is.
    pub value: &'d str,
    /// The same over `new` of a trigger.
    pub of_new: String,
    /// What the new column is compared with: of the new type.
    pub same: &'d str,
    /// Whether the author says how.
    pub written: bool,
}

impl<'d> Builder<'d, '_> {
    /// What the author says the values become. A column that refers to such a key follows it.
    pub(crate) fn using(&self, table: &TableName, column: &str) -> Option<&'d str> {
        self.using_within(table, column, DEPTH)
    }

    fn using_within(&self, table: &TableName, column: &str, depth: usize) -> Option<&'d str> {
        if let Some(value) = self.hints.using(table, column) {
            return Some(self.arena.text(value.text.clone()));
        }
        let depth = depth.checked_sub(1).filter(|_| !self.hints.usings.is_empty())?;
        self.to.iter().find_map(|(_, entry)| {
            let Object::Constraint(o) = &entry.object else { return None };
            let Rule::ForeignKey(key) = &o.rule else { return None };
            let at = key.columns.iter().position(|own| own == column).filter(|_| o.table == *table)?;
            let target = key.target_columns.get(at)?;
            let value =
                (key.target != *table || target != column).then(|| self.using_within(&key.target, target, depth))??;
            self.over(&key.target, target, value, column)
        })
    }

    /// The formula over one column of a table, over another column in its place.
    fn over(&self, table: &TableName, key: &str, value: &str, column: &str) -> Option<&'d str> {
        let known = Known::new(self.to.catalog);
        let found = known.of_table(table, value);
        let is_own = |of: &Qualified| of.name == table.name && of.schema == table.schema;
        let others = found
            .references
            .iter()
            .any(|reference| matches!(&reference.target, Target::Column(of, name) if !is_own(of) || name != key));
        let new = |target: &Target| match target {
            Target::Column(of, name) if is_own(of) && name == key => Some(("".into(), column.into())),
            _ => None,
        };
        let text = rewritten(value, &found.references, Quotes::Needed, &new);
        (!others).then(|| text.map_or_else(|| self.arena.text(value), |text| self.arena.text(text)))
    }

    /// The way of a column's values. The new type is spelled as it is called for now.
    pub(crate) fn way(&self, table: &Table, from: &Column, to: &Column, spelled: &DataType) -> Way<'d> {
        let typed = |value: &str| {
            let mut text = format!("{value}::");
            specc_sql::push_type(&mut text, spelled);
            self.arena.text(text)
        };
        let own = ident(&from.name);
        if let Some(value) = self.using(&table.table, &to.name) {
            return Way {
                value,
                of_new: format!("(select {value} from (select new.*) {})", ident(&table.table.name)),
                same: typed(&format!("({value})")),
                written: true,
            };
        }
        let of_new = format!("new.{own}");
        if self.is_assigned(from, to) {
            return Way { value: self.arena.text(own.as_ref()), of_new, same: typed(&own), written: false };
        }
        let value = self.cast_as(from, spelled);
        Way { value, of_new: self.cast_of(&of_new, &from.ty, spelled).to_owned(), same: value, written: false }
    }

    /// Whether Postgres makes a value of the new type by itself where it is stored. That is better than a cast where both
    /// are there: a cast to `varchar(3)` cuts what does not fit, storing it is an error.
    pub(crate) fn is_assigned(&self, from: &Column, to: &Column) -> bool {
        let is_remade = (&from.ty.schema, &from.ty.name) == (&to.ty.schema, &to.ty.name)
            && !from.ty.schema.is_empty()
            && !casts::is_domain(self.to.catalog, &to.ty);
        !is_remade && self.conversion(from, to).is_some()
    }

    /// Whether a value of a type is null, or is none, as a condition.
    pub(crate) fn is_null(&self, value: &str, ty: &DataType, not: bool) -> String {
        casts::is_null([self.from.catalog, self.to.catalog], value, ty, not)
    }

    fn conversion(&self, from: &Column, to: &Column) -> Option<Conversion> {
        casts::conversion([self.from.catalog, self.to.catalog], &from.ty, &to.ty)
    }

    /// Labels of an enum that go, and those that take their rows: both were there.
    pub(crate) fn merged_labels(&self, ty: &DataType) -> Vec<(&'d str, &'d str)> {
        let is_enum = |rename: &&'d Rename| {
            let id = &rename.id;
            id.kind == Kind::Enum && id.schema == ty.schema && id.name == ty.name
        };
        let labels = |object: Option<&'d Entry>| match object.map(|entry| &entry.object) {
            Some(Object::Enum(o)) => &o.labels[..],
            _ => &[],
        };
        let merged = |rename: &'d Rename| {
            let now = rename.part.as_ref()?;
            let (old, new) = (labels(self.from.get(&rename.id)), labels(self.to.get(&rename.id)));
            let both =
                old.contains(&rename.was) && old.contains(now) && new.contains(now) && !new.contains(&rename.was);
            both.then_some((rename.was.as_str(), now.as_str()))
        };
        self.hints.renames.iter().filter(is_enum).filter_map(merged).collect()
    }

    /// Looks at the values before anything is changed. The new type is spelled as it is called for now.
    pub(crate) fn ask(
        &mut self,
        chain: &mut Chain,
        table: &'d Table,
        from: &'d Column,
        to: &'d Column,
        spelled: &'d DataType,
    ) {
        let way = self.way(table, from, to, spelled);
        let known = self.conversion(from, to);
        let effect = match known {
            _ if way.written => Conversion { lossy: false, failing: true },
            Some(known) => known,
            // The way back takes what there is.
            None if self.options.one => Conversion::ANY,
            None => return self.uncast.push(NoCast::new(&table.table, from, to)),
        };
        if way.written && self.is_volatile(way.value) && !self.declared().is_immutable(way.value) {
            let why = format!("the `using` of `{}` gives another value each time it is asked", to.name);
            self.impossible.push((table.table.id(), why));
        }
        if effect == Conversion::EXACT {
            return;
        }
        let whole = effect.lossy && !way.written && self.cuts_blanks(from, to);
        let changed = (effect.lossy && !whole).then(|| {
            // A domain has its old name and its old values for whoever asks before: what it stands on is compared.
            let ends = casts::base(self.to.catalog, &to.ty);
            let own = ident(&from.name);
            let same = match way.written || ends == to.ty {
                true => way.same,
                false => self.cast_of(&own, &casts::base(self.from.catalog, &from.ty), &ends),
            };
            let condition = self.changed(&own, &from.ty, &ends, same);
            self.arena.text(condition)
        });
        let convert = Convert {
            table: &table.table,
            column: from,
            attribute: None,
            to: spelled,
            value: (way.written || known.is_none()).then_some(way.value),
            refuses: effect.failing,
            required: way.written && !to.nullable,
            whole,
            changed,
            key: self.key(&table.table),
            settings: self.settings_of(&way, from, to),
        };
        self.warnings.push(Warning::Converts {
            table: table.table.clone(),
            column: to.name.clone(),
            to: convert.type_text(),
            refuses: effect.failing,
            rows: convert.changed_rows(),
        });
        self.asks(chain, spelled, convert);
    }

    /// Looks before anything is changed, or where the new type is there.
    pub(crate) fn asks(&mut self, chain: &mut Chain, spelled: &DataType, convert: Convert<'d>) {
        let ask = Statement::Alter(Alter::Convert(convert));
        if spelled.schema.is_empty() {
            let node = self.nodes.push(Slot::None, Role::After, Phase::Ask, ask);
            self.asked.push(node);
        } else {
            self.add(chain, Role::After, Phase::Main, ask);
        }
    }

    /// Whether blanks at the end are all that is lost of a value: one that has them is no value that fits.
    fn cuts_blanks(&self, from: &Column, to: &Column) -> bool {
        let ends = casts::base(self.to.catalog, &to.ty);
        let ty = DataType { args: Vec::new(), ..ends.clone() };
        ends.schema.is_empty()
            && ends.name == "varchar"
            && casts::conversion([self.from.catalog, self.to.catalog], &from.ty, &ty).is_some_and(|whole| !whole.lossy)
    }

    /// A value of an enum as text, where some labels become others.
    pub(crate) fn merged(&self, value: &str, dims: u8, labels: &[(&str, &str)]) -> String {
        let text = if dims > 0 { "text[]" } else { "text" };
        if dims > 0 {
            return labels.iter().fold(format!("{value}::{text}"), |value, (was, now)| {
                format!("array_replace({value}, {}, {})", literal(was), literal(now))
            });
        }
        let cases: String =
            labels.iter().map(|(was, now)| format!(" when {} then {}", literal(was), literal(now))).collect();
        format!("case {value}::{text}{cases} else {value}::{text} end")
    }

    /// What a conversion reads of the session, and what it is while values move.
    pub(crate) fn settings_of(&self, way: &Way<'_>, from: &Column, to: &Column) -> Vec<(&'d str, &'d str)> {
        match way.written {
            true if self.declared().is_immutable(way.value) => Vec::new(),
            true => casts::ALL_SETTINGS.to_vec(),
            false => casts::settings([self.from.catalog, self.to.catalog], &from.ty, &to.ty),
        }
    }

    /// Which rows hold another value afterwards: there and back it is not the same.
    pub(crate) fn changed(&self, own: &str, from: &DataType, to: &DataType, same: &str) -> String {
        let back = casts::conversion([self.to.catalog, self.from.catalog], to, from).is_some();
        match (back, has_equality(from)) {
            (true, equal) => {
                // A domain that is made anew has its name already: what it stands on is compared.
                let whole = casts::base(self.from.catalog, from);
                let typed = |value: &str| {
                    let mut text = format!("{value}::");
                    specc_sql::push_type(&mut text, &whole);
                    text
                };
                let (there, own) = (typed(same), if whole == *from { own.to_owned() } else { typed(own) });
                if equal && has_equality(&whole) {
                    format!("{there} is distinct from {own}")
                } else {
                    format!("{there}::text is distinct from {own}::text")
                }
            }
            // Lists and what is no list are never the same.
            (false, _) if from.dims != to.dims => self.is_null(own, from, true),
            (false, _) => format!("{same}::text is distinct from {own}::text"),
        }
    }

    /// The functions that work out what a value becomes, with those that they call.
    fn asked_by(&self, node: NodeId) -> Vec<NewPlace> {
        let Statement::Alter(Alter::Convert(Convert { table, value: Some(value), .. })) = &self.nodes[node].statement
        else {
            return Vec::new();
        };
        let known = Known::new(self.to.catalog);
        let called = known.of_table(table, value).references.into_iter();
        let called = called.filter(|reference| matches!(reference.target, Target::Function(..)));
        let mut work: Vec<NewPlace> =
            called.filter_map(|reference| self.to.index_of(&known.id(&reference.target)?)).collect();
        let (needs, mut all) = (self.to.needs(), Vec::new());
        while let Some(function) = work.pop() {
            if !all.contains(&function) {
                all.push(function);
                let others = needs.of(function).into_iter().map(|(need, _)| need);
                work.extend(others.filter(|need| self.to.kind(*need) == Some(Kind::Function)));
            }
        }
        all
    }

    /// Rows are asked under the names of now, by functions as they are to be.
    pub(crate) fn asked_under_new_names(&mut self) {
        let renamed: Vec<_> =
            self.nodes.iter().filter(|(_, node)| node.phase == Phase::Names).map(|(node, _)| node).collect();
        for asked in std::mem::take(&mut self.asked) {
            renamed.iter().for_each(|&node| self.nodes.soft(node, asked));
            for function in self.asked_by(asked) {
                for made in self.nodes.with(Slot::New(function), &[Role::Make, Role::Change]) {
                    self.nodes.soft(made, asked);
                }
            }
        }
    }
}
