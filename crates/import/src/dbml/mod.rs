//! DBML, as its own tool makes Postgres of it.

mod tree;

use crate::made::{Made, action, expression};
use crate::types::element;
use crate::{ImportError, Imported};
use smol_str::SmolStr;
use specc_catalog::{
    Action, Column, DataType, IndexKey, Rls, Rule, SequenceOptions, SqlExpr, TableName, conventional_name,
};
use specc_sql::quote::literal;
use std::collections::BTreeMap;
use tree::{Element, End, Key, Line, Reference, Relation, Settings, Table, Value};

/// What names stand for.
struct Names {
    enums: Vec<TableName>,
    aliases: BTreeMap<SmolStr, TableName>,
}

fn wrong(line: usize, message: impl Into<String>) -> ImportError {
    ImportError { line, message: message.into() }
}

fn table_name(parts: &[SmolStr]) -> TableName {
    match parts {
        [schema, name] => TableName::new(schema.clone(), name.clone()),
        [name] => TableName::new("public", name.clone()),
        _ => TableName::new("public", parts.join(".")),
    }
}

/// Reads a file.
pub fn read(text: &str) -> Result<Imported, ImportError> {
    let elements = tree::parse(text)?;
    let mut made = Made::default();
    let mut names = Names { enums: Vec::new(), aliases: BTreeMap::new() };
    let mut partials = BTreeMap::new();
    for element in &elements {
        match element {
            Element::Enumeration(name, labels) => {
                let name = table_name(name);
                made.enumeration(&name.schema, &name.name, labels.clone());
                names.enums.push(name);
            }
            Element::Table(table) if table.is_partial => {
                partials.insert(table.name.last().cloned().unwrap_or_default(), table.clone());
            }
            Element::Table(table) => {
                names.aliases.extend(table.alias.clone().map(|alias| (alias, table_name(&table.name))));
            }
            Element::Reference(_) => {}
            Element::Skipped(what, true) => made.left_out(what, "it is not read: say it in the spec"),
            Element::Skipped(what, false) => made.left_out(what, "it says nothing of a database"),
        }
    }
    let mut references = Vec::new();
    for element in elements {
        match element {
            Element::Table(of) if !of.is_partial => {
                table(&names, &of, inserted(&of, &partials)?, &mut made, &mut references);
            }
            Element::Reference(reference) => references.push(reference),
            _ => {}
        }
    }
    if !references.is_empty() {
        made.left_out("deferrable references", "the file does not say it, though dbml2sql makes every reference so");
    }
    for of in references {
        reference(&names, of, &mut made)?;
    }
    Ok(made.done)
}

/// The lines of a table with those of the partials that it takes in; its own go before theirs.
fn inserted(table: &Table, partials: &BTreeMap<SmolStr, Table>) -> Result<Vec<Line>, ImportError> {
    let own =
        |name: &SmolStr| table.lines.iter().any(|line| matches!(line, Line::Column(column) if column.name == *name));
    let mut out = Vec::new();
    for line in &table.lines {
        let Line::Partial(name) = line else {
            out.push(line.clone());
            continue;
        };
        let partial =
            partials.get(name).ok_or_else(|| wrong(table.line, format!("there is no TablePartial `{name}`")))?;
        let lines = partial.lines.iter().filter(|line| !matches!(line, Line::Column(column) if own(&column.name)));
        out.extend(lines.filter(|line| !matches!(line, Line::Partial(_) | Line::Note(_))).cloned());
    }
    Ok(out)
}

fn table(names: &Names, of: &Table, lines: Vec<Line>, made: &mut Made, references: &mut Vec<Reference>) {
    let table = table_name(&of.name);
    let mut comment = of.settings.words("note").map(SmolStr::from);
    let (mut columns, mut key, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        match line {
            Line::Column(column) => {
                if column.settings.has("pk") || column.settings.has("primary key") {
                    key.push(column.name.clone());
                }
                for (relation, to) in &column.settings.references {
                    let mut to = to.clone();
                    let target = to.pop();
                    references.push(Reference {
                        name: None,
                        left: End { table: of.name.clone(), columns: vec![column.name.clone()] },
                        // Of two ones, the one that is named is referred to.
                        relation: if *relation == Relation::OneToOne { Relation::ManyToOne } else { *relation },
                        right: End { table: to, columns: target.into_iter().collect() },
                        settings: Settings::default(),
                        line: of.line,
                    });
                }
                columns.push(self::column(names, &table, &column, made));
                if column.settings.has("unique") {
                    rest.push(Line::Index(
                        vec![Key::Column(column.name.clone())],
                        Settings { flags: vec!["rule".into()], ..Settings::default() },
                    ));
                }
                if let Some(Value::Sql(text)) = column.settings.said("check") {
                    let name = free(made, &table, "check", std::slice::from_ref(&column.name));
                    let said = vec![("name".into(), Value::Words(name.to_string()))];
                    rest.push(Line::Check(text.clone(), Settings { said, ..Settings::default() }));
                }
            }
            Line::Note(text) => comment = Some(text.into()),
            line => rest.push(line),
        }
    }
    made.table(&table, columns, Rls::Off, comment.filter(|text| !text.is_empty()));
    if !key.is_empty() {
        made.primary_key(&table, conventional_name(&table.name, None, "pkey"), key);
    }
    for line in rest {
        match line {
            Line::Index(keys, settings) => index(&table, keys, &settings, made),
            Line::Check(text, settings) => {
                let name = settings.words("name").map(SmolStr::from);
                let name = name.unwrap_or_else(|| free(made, &table, "check", &[]));
                made.rule(&table, name, Rule::Check { expr: SqlExpr::new(text), no_inherit: false });
            }
            _ => {}
        }
    }
}

/// A name as Postgres gives it, with a number where it is taken.
fn free(made: &Made, table: &TableName, label: &str, columns: &[SmolStr]) -> SmolStr {
    let second = (!columns.is_empty()).then(|| columns.join("_"));
    let name = |label: &str| conventional_name(&table.name, second.as_deref(), label);
    let taken = |name: &SmolStr| {
        made.done
            .catalog
            .iter()
            .any(|(id, _)| id.part == *name && id.name == table.name || id.name == *name && id.schema == table.schema)
    };
    let numbered = (1..).map(|n| name(&format!("{label}{n}")));
    std::iter::once(name(label)).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
}

fn column(names: &Names, table: &TableName, of: &tree::Column, made: &mut Made) -> Column {
    let place = format!("{}.{}", table.name, of.name);
    let written = of.ty.replace('"', "");
    let (bare, dims) = element(&written);
    let parts: Vec<SmolStr> = bare.split('.').map(SmolStr::from).collect();
    let is_enum = names.enums.iter().find(|name| **name == table_name(&parts));
    let serial = specc_facts::serial_type(&written.to_lowercase());
    let ty = match (is_enum, serial) {
        (Some(name), _) => DataType { schema: name.schema.clone(), dims, ..DataType::builtin(name.name.clone()) },
        (None, Some(ty)) => DataType::builtin(ty),
        (None, None) => made.ty(&written, &place),
    };
    let is_key = of.settings.has("pk") || of.settings.has("primary key");
    let mut column = Column::new(of.name.clone(), ty);
    column.nullable = !(is_key || of.settings.has("not null") || serial.is_some());
    column.comment = of.settings.words("note").filter(|text| !text.is_empty()).map(SmolStr::from);
    column.default = of.settings.said("default").map(|value| {
        SqlExpr::new(match value {
            Value::Text(text) => literal(text),
            Value::Sql(text) | Value::Number(text) => text.clone(),
            // A label of an enum is named with its type.
            Value::Words(text) => text.clone(),
        })
    });
    if serial.is_some() {
        made.serial(table, &mut column);
    } else if of.settings.has("increment") {
        column.nullable = false;
        column.identity = Some(Box::new((false, SequenceOptions::default())));
    }
    column
}

fn index(table: &TableName, keys: Vec<Key>, settings: &Settings, made: &mut Made) {
    let columns: Vec<SmolStr> = (keys.iter())
        .filter_map(|key| match key {
            Key::Column(name) => Some(name.clone()),
            Key::Sql(_) => None,
        })
        .collect();
    let name = settings.words("name").map(SmolStr::from);
    if settings.has("pk") {
        let name = name.unwrap_or_else(|| conventional_name(&table.name, None, "pkey"));
        return made.primary_key(table, name, columns);
    }
    // Beside a column it is a constraint.
    if settings.has("rule") {
        let name = free(made, table, "key", &columns);
        return made.unique(table, name, columns, false);
    }
    let unnamed: Vec<SmolStr> = (keys.iter())
        .map(|key| match key {
            Key::Column(name) => name.clone(),
            Key::Sql(_) => "expr".into(),
        })
        .collect();
    let name = name.unwrap_or_else(|| free(made, table, "idx", &unnamed));
    let keys = keys.into_iter().map(|key| match key {
        Key::Column(name) => IndexKey::column(name),
        Key::Sql(text) => expression(&text),
    });
    let method = settings.words("type").unwrap_or("btree").to_owned();
    made.index(table, name, settings.has("unique"), &method, keys.collect());
}

fn reference(names: &Names, of: Reference, made: &mut Made) -> Result<(), ImportError> {
    let find = |end: &End| {
        let name = match end.table.as_slice() {
            [alias] if names.aliases.contains_key(alias) => names.aliases[alias].clone(),
            parts => table_name(parts),
        };
        match made.done.catalog.get(&name.id()).map(|entry| &entry.object) {
            Some(specc_catalog::Object::Table(table)) => {
                let missing = end.columns.iter().find(|name| !table.columns.iter().any(|column| column.name == **name));
                match missing {
                    Some(column) => Err(wrong(of.line, format!("table `{}` has no column `{column}`", name.name))),
                    None => Ok(name),
                }
            }
            _ => Err(wrong(of.line, format!("there is no table `{}`", name.name))),
        }
    };
    let (left, right) = (find(&of.left)?, find(&of.right)?);
    let (left, right) = ((left, of.left.columns), (right, of.right.columns));
    let said = |name: &str| of.settings.words(name).and_then(action).unwrap_or(Action::NoAction);
    let actions = [said("delete"), said("update")];
    let (from, to) = match of.relation {
        Relation::ManyToOne => (left, right),
        Relation::OneToMany | Relation::OneToOne => (right, left),
        Relation::ManyToMany => return pairs(left, right, made),
    };
    let name = of.name.unwrap_or_else(|| free(made, &from.0, "fkey", &from.1));
    made.reference(name, (&from.0, from.1), (&to.0, to.1), actions);
    Ok(())
}

/// A table of pairs.
fn pairs(
    left: (TableName, Vec<SmolStr>),
    right: (TableName, Vec<SmolStr>),
    made: &mut Made,
) -> Result<(), ImportError> {
    let table = TableName::new(left.0.schema.clone(), format!("{}_{}", left.0.name, right.0.name));
    let ty = |of: &TableName, name: &str| match made.done.catalog.get(&of.id()).map(|entry| &entry.object) {
        Some(specc_catalog::Object::Table(of)) => {
            of.columns.iter().find(|column| column.name == name).map(|c| c.ty.clone())
        }
        _ => None,
    };
    let mut columns = Vec::new();
    for (of, names) in [&left, &right] {
        for name in names {
            let ty = ty(of, name).unwrap_or_else(|| DataType::builtin("int"));
            columns.push(Column::new(format!("{}_{name}", of.name), ty));
        }
    }
    let names: Vec<SmolStr> = columns.iter().map(|column| column.name.clone()).collect();
    made.table(&table, columns, Rls::Off, None);
    made.primary_key(&table, conventional_name(&table.name, None, "pkey"), names.clone());
    let (first, second) = names.split_at(left.1.len());
    for (own, to) in [(first, left), (second, right)] {
        let name = free(made, &table, "fkey", own);
        made.reference(name, (&table, own.to_vec()), (&to.0, to.1), [Action::NoAction; 2]);
    }
    Ok(())
}
