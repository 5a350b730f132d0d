//! Types by number, and how the catalog says them.

use crate::Error;
use crate::reader::{CatalogReader, name};
use rustc_hash::FxHashMap;
use smol_str::{SmolStr, ToSmolStr, format_smolstr};
use specc_catalog::{DataType, Qualified};
use specc_facts::Family;
use specc_sql::quote;

/// What there is to know of a type.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    pub name: SmolStr,
    pub schema: u32,
    /// `b`, `c`, `d`, `e`, `m`, `p`, `r`.
    pub kind: char,
    /// The type of its elements, if it is the array type of that.
    pub element: Option<u32>,
    /// Its table, view or composite.
    pub relation: u32,
    pub collation: u32,
    pub storage: char,
    /// What a domain is over.
    pub base: u32,
}

/// All types, collations and operator classes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Types {
    all: FxHashMap<u32, Type>,
    schemas: FxHashMap<u32, SmolStr>,
    collations: FxHashMap<u32, Qualified>,
    classes: FxHashMap<u32, OperatorClass>,
}

/// An operator class.
#[derive(Clone, Debug)]
pub(crate) struct OperatorClass {
    pub name: Qualified,
    pub method: u32,
    pub is_default: bool,
    /// The type that it is for.
    pub input: u32,
    /// The type that is kept, if it is another.
    pub keeps: u32,
}

const TYPES: &str = "select t.oid, t.typname::text, t.typnamespace, t.typtype, t.typarray, t.typrelid, t.typcollation, \
    t.typstorage, t.typbasetype from pg_type t";
const SCHEMAS: &str = "select oid, nspname::text from pg_namespace";
const COLLATIONS: &str = "select oid, collnamespace, collname::text from pg_collation";
const CLASSES: &str =
    "select oid, opcnamespace, opcname::text, opcmethod, opcdefault, opcintype, opckeytype from pg_opclass";

pub(crate) fn read(reader: &mut CatalogReader<'_>) -> Result<(), Error> {
    let mut types = Types::default();
    for row in reader.query(SCHEMAS, &[])? {
        types.schemas.insert(row.get(0), name(&row, 1));
    }
    let mut arrays: Vec<(u32, u32)> = Vec::new();
    let rows = reader.query(TYPES, &[])?;
    types.all.reserve(rows.len());
    for row in rows {
        let oid: u32 = row.get(0);
        let array: u32 = row.get(4);
        if array != 0 {
            arrays.push((array, oid));
        }
        let found = Type {
            name: name(&row, 1),
            schema: row.get(2),
            kind: crate::reader::letter(&row, 3),
            element: None,
            relation: row.get(5),
            collation: row.get(6),
            storage: crate::reader::letter(&row, 7),
            base: row.get(8),
        };
        types.all.insert(oid, found);
    }
    for (array, element) in arrays {
        if let Some(found) = types.all.get_mut(&array) {
            found.element = Some(element);
        }
    }
    for row in reader.query(COLLATIONS, &[])? {
        let name = Qualified::new(types.outside(row.get(1)), name(&row, 2));
        types.collations.insert(row.get(0), name);
    }
    for row in reader.query(CLASSES, &[])? {
        let class = OperatorClass {
            name: Qualified::new(types.outside(row.get(1)), name(&row, 2)),
            method: row.get(3),
            is_default: row.get(4),
            input: row.get(5),
            keeps: row.get(6),
        };
        types.classes.insert(row.get(0), class);
    }
    reader.types = types;
    Ok(())
}

impl Types {
    /// The type with this number.
    pub fn get(&self, oid: u32) -> Option<&Type> {
        self.all.get(&oid)
    }

    /// The name of a schema.
    pub fn schema_name(&self, oid: u32) -> SmolStr {
        self.schemas.get(&oid).cloned().unwrap_or_default()
    }

    /// The name of a schema, empty for what is built in.
    pub fn outside(&self, oid: u32) -> SmolStr {
        self.schemas.get(&oid).filter(|name| *name != "pg_catalog").cloned().unwrap_or_default()
    }

    /// A type as the catalog says it. `spelled` is Postgres's own spelling, needed where the type is not built in and has
    /// modifiers. How many dimensions an array was declared with means nothing to Postgres, and a dump loses it.
    pub fn data_type(&self, oid: u32, modifier: i32, spelled: Option<&str>) -> DataType {
        let Some(found) = self.all.get(&oid) else { return DataType::builtin("text") };
        if let Some(element) = found.element {
            return DataType { dims: 1, ..self.data_type(element, modifier, spelled) };
        }
        let schema = self.outside(found.schema);
        if !schema.is_empty() {
            return self.outsider(found, schema, modifier, spelled);
        }
        let (name, args) = builtin(&found.name, modifier);
        DataType { args, ..DataType::builtin(name) }
    }

    fn outsider(&self, found: &Type, schema: SmolStr, modifier: i32, spelled: Option<&str>) -> DataType {
        let mut ty = DataType { schema, ..DataType::builtin(found.name.clone()) };
        let Some(spelled) = spelled.filter(|_| modifier >= 0) else { return ty };
        let spelled = spelled.strip_suffix("[]").unwrap_or(spelled);
        let Some((_, args)) = spelled.strip_suffix(')').and_then(|s| s.rsplit_once('(')) else { return ty };
        match args.split(',').map(|arg| arg.trim().parse()).collect::<Result<Vec<i64>, _>>() {
            Ok(args) => ty.args = args,
            // As in `geometry(Point,4326)`: only the whole spelling says it.
            Err(_) => {
                let name = quote::qualified(&ty.schema, &ty.name);
                ty = DataType::builtin(format_smolstr!("{name}({args})"));
            }
        }
        ty
    }

    /// The collation with this number, unless it is what `usual` has anyway.
    pub fn collation(&self, oid: u32, usual: u32) -> Option<Qualified> {
        if oid == 0 || oid == usual { None } else { self.collations.get(&oid).cloned() }
    }

    /// The collation of a type.
    pub fn collation_of(&self, oid: u32) -> u32 {
        self.all.get(&oid).map_or(0, |found| found.collation)
    }

    /// The type below domains.
    pub fn under(&self, mut oid: u32) -> u32 {
        for _ in 0..32 {
            match self.all.get(&oid) {
                Some(found) if found.kind == 'd' => oid = found.base,
                _ => break,
            }
        }
        oid
    }

    /// The operator class with this number, unless it is what Postgres takes for the type anyway.
    pub fn operator_class(&self, oid: u32, ty: Option<u32>) -> Option<Qualified> {
        let class = self.classes.get(&oid)?;
        if !class.is_default {
            return Some(class.name.clone());
        }
        let ty = self.under(ty?);
        // Of several that fit, the one for exactly this type is taken.
        let exact = class.input == ty || class.keeps != 0;
        let better = || self.classes.values().any(|c| c.is_default && c.method == class.method && c.input == ty);
        if exact || !better() { None } else { Some(class.name.clone()) }
    }

    /// A type as SQL.
    pub fn sql(&self, oid: u32) -> String {
        let mut out = String::new();
        specc_sql::push_type(&mut out, &self.data_type(oid, -1, None));
        out
    }
}

/// The short name and the modifiers of a built-in type.
fn builtin(name: &str, modifier: i32) -> (SmolStr, Vec<i64>) {
    let plain = |name: &str| (name.into(), Vec::new());
    let number = i64::from(modifier);
    match name {
        "char" => plain("\"char\""),
        "any" => plain("\"any\""),
        "bpchar" if modifier >= 4 => ("char".into(), vec![number - 4]),
        "varchar" if modifier >= 4 => ("varchar".into(), vec![number - 4]),
        "numeric" if modifier >= 4 => {
            let bits = number - 4;
            let (precision, scale) = ((bits >> 16) & 0xffff, ((bits & 0x7ff) ^ 1024) - 1024);
            ("numeric".into(), if scale == 0 { vec![precision] } else { vec![precision, scale] })
        }
        "interval" if modifier >= 0 => interval(modifier),
        _ if modifier >= 0 && matches!(specc_facts::family(name), Family::Bits | Family::Moment | Family::Time) => {
            (name.into(), vec![number])
        }
        _ => plain(specc_facts::canonical_type(name).unwrap_or(name)),
    }
}

fn interval(modifier: i32) -> (SmolStr, Vec<i64>) {
    const FIELDS: [(i32, &str); 6] = [
        (1 << 2, "year"),
        (1 << 1, "month"),
        (1 << 3, "day"),
        (1 << 10, "hour"),
        (1 << 11, "minute"),
        (1 << 12, "second"),
    ];
    let (range, precision) = ((modifier >> 16) & 0x7fff, modifier & 0xffff);
    let args = if precision == 0xffff { Vec::new() } else { vec![i64::from(precision)] };
    if range == 0x7fff {
        return ("interval".into(), args);
    }
    let named: Vec<_> = FIELDS.iter().filter(|(bit, _)| range & bit != 0).map(|(_, word)| *word).collect();
    let name = match named.as_slice() {
        [] => "interval".to_smolstr(),
        [one] => format_smolstr!("interval {one}"),
        [first, .., last] => format_smolstr!("interval {first} to {last}"),
    };
    (name, args)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modifiers_are_read() {
        let show = |name, modifier| {
            let (name, args) = builtin(name, modifier);
            DataType { args, ..DataType::builtin(name) }.to_string()
        };
        assert_eq!(show("varchar", 104), "varchar(100)");
        assert_eq!(show("numeric", (12 << 16 | 2) + 4), "numeric(12,2)");
        assert_eq!(show("numeric", (5 << 16 | (-3 & 0x7ff)) + 4), "numeric(5,-3)");
        assert_eq!(show("numeric", (5 << 16) + 4), "numeric(5)");
        assert_eq!(show("interval", 0x7fff << 16 | 3), "interval(3)");
        assert_eq!(show("interval", (1 << 3 | 1 << 10 | 1 << 11 | 1 << 12) << 16 | 0xffff), "interval day to second");
        assert_eq!(show("bpchar", -1), "bpchar");
    }
}
