//! A small project, and its text.

use specc_tests::Dice;
use std::fmt::Write;

pub const TYPES: [&str; 11] = [
    "int",
    "bigint",
    "numeric(10, 2)",
    "text",
    "varchar(20)",
    "varchar(40)",
    "boolean",
    "uuid",
    "timestamptz",
    "jsonb",
    "text[]",
];

/// What a type is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Number,
    Text,
    Enum,
    Other,
}

#[derive(Clone)]
pub struct Named {
    pub name: String,
    /// What it was called before.
    pub was: Option<String>,
    /// It was there before.
    pub is_old: bool,
}

impl Named {
    pub fn new(name: String) -> Self {
        Self { name, was: None, is_old: false }
    }

    /// Another name; the one before is remembered if others know it.
    pub fn rename(&mut self, name: String) {
        if self.is_old && self.was.is_none() {
            self.was = Some(self.name.clone());
        }
        self.name = name;
    }

    fn text(&self) -> String {
        match &self.was {
            Some(was) if self.name.contains('.') != was.contains('.') => {
                format!("{} was {}", self.name, qualified(was))
            }
            Some(was) => format!("{} was {was}", self.name),
            None => self.name.clone(),
        }
    }

    fn forget(&mut self) {
        (self.was, self.is_old) = (None, true);
    }
}

fn qualified(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("public.{name}") }
}

#[derive(Clone)]
pub struct Column {
    pub id: u32,
    pub named: Named,
    /// One of [`TYPES`], or the number of an enum after them.
    pub ty: usize,
    pub nullable: bool,
    pub default: bool,
    pub comment: Option<u32>,
    /// Computed from this column.
    pub from: Option<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Index,
    UniqueIndex,
    PartialIndex,
    Unique,
    Check,
    Policy,
    Restriction,
    Grant,
    View,
    Trigger,
}

pub const KINDS: [Kind; 10] = [
    Kind::Index,
    Kind::UniqueIndex,
    Kind::PartialIndex,
    Kind::Unique,
    Kind::Check,
    Kind::Policy,
    Kind::Restriction,
    Kind::Grant,
    Kind::View,
    Kind::Trigger,
];

/// Something over columns of a table.
#[derive(Clone)]
pub struct Part {
    pub kind: Kind,
    pub name: String,
    pub columns: Vec<u32>,
    /// Which of several forms.
    pub form: usize,
}

#[derive(Clone)]
pub struct Table {
    pub id: u32,
    pub named: Named,
    pub columns: Vec<Column>,
    pub parts: Vec<Part>,
    /// Column, table, and what follows a deletion.
    pub references: Vec<(Named, u32, usize)>,
    pub rls: bool,
    /// Its key is a `bigint`.
    pub is_big: bool,
    pub comment: Option<u32>,
}

#[derive(Clone)]
pub struct Project {
    pub role: String,
    pub next: u32,
    pub enums: Vec<(Named, Vec<String>)>,
    pub tables: Vec<Table>,
    /// Name, and which of several forms.
    pub functions: Vec<(String, usize)>,
}

impl Project {
    pub fn random(dice: &mut Dice, seed: u64) -> Self {
        let mut project = Self {
            role: format!("pair_{seed}"),
            next: 0,
            enums: Vec::new(),
            tables: Vec::new(),
            functions: Vec::new(),
        };
        for _ in 0..1 + dice.below(2) {
            project.add_enum(dice);
        }
        for _ in 0..1 + dice.below(4) {
            project.add_table(dice);
        }
        for _ in 0..dice.below(3) {
            let name = project.name("f");
            project.functions.push((name, dice.below(5)));
        }
        project
    }

    pub fn number(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    pub fn name(&mut self, letter: &str) -> String {
        format!("{letter}{}", self.number())
    }

    pub fn add_enum(&mut self, dice: &mut Dice) {
        let name = self.name("e");
        let labels = (0..2 + dice.below(3)).map(|_| self.name("l")).collect();
        self.enums.push((Named::new(name), labels));
    }

    pub fn add_table(&mut self, dice: &mut Dice) {
        let (id, name) = (self.number(), self.name("t"));
        let rls = !dice.once_in(4);
        self.tables.push(Table {
            id,
            named: Named::new(name),
            columns: Vec::new(),
            parts: Vec::new(),
            references: Vec::new(),
            rls,
            is_big: false,
            comment: dice.once_in(4).then_some(id),
        });
        let at = self.tables.len() - 1;
        for _ in 0..1 + dice.below(4) {
            self.add_column(dice, at);
        }
        for _ in 0..dice.below(4) {
            self.add_part(dice, at);
        }
        if dice.once_in(2) {
            self.add_reference(dice, at);
        }
    }

    pub fn add_column(&mut self, dice: &mut Dice, at: usize) {
        let (id, name) = (self.number(), self.name("c"));
        let ty = dice.below(TYPES.len() + self.enums.len());
        let able: Vec<(u32, usize)> = self.tables[at]
            .columns
            .iter()
            .filter(|c| c.from.is_none() && matches!(self.group(c.ty), Group::Number | Group::Text))
            .map(|c| (c.id, c.ty))
            .collect();
        let mut column = Column {
            id,
            named: Named::new(name),
            ty,
            nullable: dice.once_in(2),
            default: dice.once_in(3),
            comment: None,
            from: None,
        };
        if dice.once_in(8)
            && let Some((from, ty)) = dice.pick(&able)
        {
            column.from = Some(*from);
            // Computed as wide as it can be.
            column.ty = if self.group(*ty) == Group::Text { 3 } else { 2 };
            column.nullable = true;
        }
        if dice.once_in(5) {
            column.comment = Some(id);
        }
        let place = if dice.once_in(4) { 0 } else { self.tables[at].columns.len() };
        self.tables[at].columns.insert(place, column);
    }

    pub fn add_part(&mut self, dice: &mut Dice, at: usize) {
        let name = self.name("p");
        let kind = *dice.pick(&KINDS).expect("some kinds");
        let table = &self.tables[at];
        // What goes into an index has an order; what is compared has values.
        let able: Vec<u32> = table
            .columns
            .iter()
            .filter(|c| match kind {
                Kind::Index | Kind::UniqueIndex | Kind::Unique => TYPES.get(c.ty).is_none_or(|ty| *ty != "jsonb"),
                Kind::View | Kind::Grant => true,
                Kind::Trigger => c.from.is_none(),
                _ => self.group(c.ty) != Group::Other,
            })
            .map(|c| c.id)
            .collect();
        let mut columns: Vec<u32> = Vec::new();
        for _ in 0..1 + dice.below(2) {
            if let Some(column) = dice.pick(&able)
                && !columns.contains(column)
            {
                columns.push(*column);
            }
        }
        let form = dice.below(4);
        // Postgres makes one of two keys that are the same, where they come with their table.
        let twice = self.tables[at].parts.iter().any(|part| part.kind == Kind::Unique && part.columns == columns);
        let again = kind == Kind::Unique && twice;
        if !columns.is_empty() && !again {
            self.tables[at].parts.push(Part { kind, name, columns, form });
        }
    }

    pub fn add_reference(&mut self, dice: &mut Dice, at: usize) {
        let name = format!("{}_id", self.name("r"));
        let targets: Vec<u32> = self.tables.iter().map(|t| t.id).collect();
        if let Some(target) = dice.pick(&targets) {
            self.tables[at].references.push((Named::new(name), *target, dice.below(4)));
        }
    }

    pub fn group(&self, ty: usize) -> Group {
        match TYPES.get(ty) {
            Some(name) if name.starts_with("text[") => Group::Other,
            Some(name) if matches!(*name, "int" | "bigint") || name.starts_with("numeric") => Group::Number,
            Some(name) if name.starts_with("text") || name.starts_with("varchar") => Group::Text,
            Some(_) => Group::Other,
            None => Group::Enum,
        }
    }

    /// Names of now are those that were there before.
    pub fn forget_names(&mut self) {
        self.enums.iter_mut().for_each(|(named, _)| named.forget());
        for table in &mut self.tables {
            table.named.forget();
            table.columns.iter_mut().for_each(|c| c.named.forget());
            table.references.iter_mut().for_each(|r| r.0.forget());
        }
    }

    fn ty(&self, ty: usize) -> String {
        TYPES.get(ty).map_or_else(|| self.enums[ty - TYPES.len()].0.name.clone(), |name| (*name).to_owned())
    }

    /// A condition over a column, as its type has it.
    fn condition(&self, column: &Column, form: usize) -> String {
        let name = &column.named.name;
        match self.group(column.ty) {
            Group::Number => format!("{name} {} {}", ["<", ">", "<>", ">="][form], form + 3),
            Group::Text => format!("{name} <> '{}'", ["a", "b", "c", "d"][form]),
            Group::Enum => {
                let labels = &self.enums[column.ty - TYPES.len()].1;
                format!("{name} <> '{}'", labels[form % labels.len()])
            }
            Group::Other => format!("{name} is not null"),
        }
    }

    pub fn text(&self) -> String {
        let mut out = format!("schema aside\nrole {}\n", self.role);
        for (named, labels) in &self.enums {
            let _ = writeln!(out, "enum {} {{ {} }}", named.text(), labels.join(", "));
        }
        if self.tables.iter().flat_map(|t| &t.parts).any(|p| p.kind == Kind::Trigger) {
            out.push_str("function noted() -> trigger language plpgsql as $$ begin return new; end $$\n");
        }
        for (name, form) in &self.functions {
            let text = [
                "(n: int) -> int immutable as $$ select n * 2 $$",
                "(n: int) -> int immutable as $$ select n * 3 $$",
                "(n: int) -> bigint stable as $$ select n::bigint $$",
                "(k: int) -> int immutable as $$ select k * 2 $$",
                "(n: int, m: text) -> text stable language plpgsql as $$ begin return m || n; end $$",
            ][*form];
            let _ = writeln!(out, "function {name}{text}");
        }
        self.tables.iter().for_each(|table| self.table(&mut out, table));
        out
    }

    fn table(&self, out: &mut String, table: &Table) {
        if let Some(comment) = table.comment {
            let _ = writeln!(out, "/// Table {comment}.");
        }
        let _ = writeln!(
            out,
            "entity {} {{\n  id: {} key",
            table.named.text(),
            if table.is_big { "bigint" } else { "int" }
        );
        let find = |id: &u32| table.columns.iter().find(|c| c.id == *id);
        for column in &table.columns {
            if let Some(comment) = column.comment {
                let _ = writeln!(out, "  /// Column {comment}.");
            }
            let _ = write!(
                out,
                "  {}: {}{}",
                column.named.name,
                self.ty(column.ty),
                if column.nullable { "?" } else { "" }
            );
            if let Some(from) = column.from.as_ref().and_then(find) {
                let text = if self.group(from.ty) == Group::Text { "upper({})" } else { "{} * 2" };
                let _ = write!(out, " generated ({})", text.replace("{}", &from.named.name));
            } else if column.default {
                let value = match self.group(column.ty) {
                    Group::Number => "7".to_owned(),
                    Group::Text => "'x'".to_owned(),
                    Group::Enum => format!("'{}'", self.enums[column.ty - TYPES.len()].1[0]),
                    Group::Other => match TYPES[column.ty] {
                        "boolean" => "false".to_owned(),
                        "uuid" => "gen_random_uuid()".to_owned(),
                        "timestamptz" => "now()".to_owned(),
                        _ => "'{}'".to_owned(),
                    },
                };
                let _ = write!(out, " = {value}");
            }
            if let Some(was) = &column.named.was {
                let _ = write!(out, " was {was}");
            }
            out.push('\n');
        }
        for (named, target, action) in &table.references {
            let Some(target) = self.tables.iter().find(|t| t.id == *target) else { continue };
            let action = ["", " on delete cascade", " on delete restrict", " on update cascade no index"][*action];
            let inverse = format!("{}_{}", table.named.name.replace('.', "_"), named.name);
            let was = named.was.as_ref().map_or_else(String::new, |was| format!(" was {was}"));
            let _ = writeln!(out, "  {} -> {}? inverse {inverse}{action}{was}", named.name, target.named.name);
        }
        let (mut rules, mut outside) = (String::new(), String::new());
        for part in &table.parts {
            let columns: Vec<&Column> = part.columns.iter().filter_map(find).collect();
            let Some(first) = columns.first() else { continue };
            let names = columns.iter().map(|c| c.named.name.as_str()).collect::<Vec<_>>().join(", ");
            let (name, form, condition) = (&part.name, part.form, self.condition(first, part.form));
            match part.kind {
                Kind::Index => {
                    let tail = ["", " desc", " nulls first", ""][form];
                    let _ = writeln!(out, "  index {name}: ({names}{tail})");
                }
                Kind::UniqueIndex => {
                    let _ = writeln!(out, "  unique index {name}: ({names})");
                }
                Kind::PartialIndex => {
                    let _ = writeln!(out, "  index {name}: ({names}) where {condition}");
                }
                Kind::Unique => {
                    let tail = ["", " nulls not distinct", " deferrable", ""][form];
                    let _ = writeln!(out, "  unique {name}: ({names}){tail}");
                }
                Kind::Check => {
                    let _ = writeln!(out, "  check {name}: {condition}");
                }
                Kind::Policy => {
                    let action = ["select", "all", "insert", "update"][form];
                    let _ = writeln!(rules, "    {name}: allow {action} to {} when {condition}", self.role);
                }
                Kind::Restriction => {
                    let _ = writeln!(
                        rules,
                        "    {name}: forbid {} to {} unless {condition}",
                        ["delete", "update", "select", "insert"][form],
                        self.role
                    );
                }
                Kind::Grant => {
                    let what = ["select", "select, insert", "delete", "references"][form];
                    let _ =
                        writeln!(outside, "grant {what}, update ({names}) on {} to {}", table.named.name, self.role);
                }
                Kind::View => {
                    let filter = if form == 1 { format!(" where {condition}") } else { String::new() };
                    let to = if form == 2 { format!(" to {}", self.role) } else { String::new() };
                    let _ = writeln!(
                        outside,
                        "view {name}{to} as $$ select id, {names} from {}{filter} $$",
                        qualified(&table.named.name)
                    );
                }
                Kind::Trigger => {
                    let when = ["after update", "before update", "after insert or update", "after update"][form];
                    let _ = writeln!(out, "  trigger {name} {when} of {names} execute noted()");
                }
            }
        }
        if !table.rls {
            out.push_str("  rls off\n");
        } else if !rules.is_empty() {
            let _ = write!(out, "  policy {{\n{rules}  }}\n");
        }
        let _ = write!(out, "}}\n{outside}");
    }
}
