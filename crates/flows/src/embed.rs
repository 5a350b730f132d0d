//! Which relation an embedded one is: the ways between relations, and the names by which the API finds them.

use crate::request::Piece;
use crate::select::Word;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use specc_catalog::{Catalog, Constraint, Kind, Object, ObjectId, Returns, Rule, TableName};
use specc_types::{Api, RelationKind};

/// A way from a relation to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub to: TableName,
    /// What it is called: a foreign key, a table between, or a function.
    pub by: SmolStr,
    pub kind: WayKind,
    /// The columns by which both are joined.
    pub own: Vec<SmolStr>,
    pub theirs: Vec<SmolStr>,
    /// The table between, with the columns of it that refer to both sides.
    pub between: Option<(TableName, Vec<SmolStr>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayKind {
    ToOne,
    ToMany,
    Between,
    Function,
}

/// The ways of a schema, each from both of its ends.
#[derive(Default)]
pub(crate) struct Ways {
    all: FxHashMap<TableName, Vec<Way>>,
    keys: FxHashMap<TableName, Vec<SmolStr>>,
}

impl Ways {
    pub(crate) fn new(api: &Api<'_>, catalog: &Catalog) -> Self {
        let mut keys = FxHashMap::default();
        for (_, entry) in catalog.iter() {
            if let Object::Constraint(Constraint { table, rule: Rule::PrimaryKey { columns, .. }, .. }) = &entry.object
            {
                keys.insert(table.clone(), columns.clone());
            }
        }
        let mut all: FxHashMap<TableName, Vec<Way>> = FxHashMap::default();
        let mut add = |from: &TableName, way: Way| all.entry(from.clone()).or_default().push(way);
        for relation in api.relations() {
            let references = api.references_of(&relation.name);
            for reference in references {
                let way = |to: &TableName, kind, from: &[SmolStr], there: &[SmolStr]| Way {
                    to: to.clone(),
                    by: reference.key.clone(),
                    kind,
                    own: from.to_vec(),
                    theirs: there.to_vec(),
                    between: None,
                };
                let (here, there) = (&reference.columns, &reference.to_columns);
                add(&reference.from, way(&reference.to, WayKind::ToOne, here, there));
                add(&reference.to, way(&reference.from, WayKind::ToMany, there, here));
            }
            if relation.kind != RelationKind::Table {
                continue;
            }
            // A table between two others has both references in its key.
            let key: Vec<SmolStr> = keys.get(&relation.name).cloned().unwrap_or_default();
            let within = |columns: &[SmolStr]| columns.iter().all(|column| key.contains(column));
            for (n, a) in references.iter().enumerate().filter(|(_, a)| within(&a.columns)) {
                for (_, b) in
                    references.iter().enumerate().filter(|(m, b)| *m != n && b.key != a.key && within(&b.columns))
                {
                    let columns = a.columns.iter().chain(&b.columns).cloned().collect();
                    let way = Way {
                        to: b.to.clone(),
                        by: relation.name.name.clone(),
                        kind: WayKind::Between,
                        own: a.to_columns.clone(),
                        theirs: b.to_columns.clone(),
                        between: Some((relation.name.clone(), columns)),
                    };
                    add(&a.to, way);
                }
            }
        }
        for (_, entry) in catalog.iter() {
            let Object::Function(function) = &entry.object else { continue };
            let inputs: Vec<_> = function.params.iter().filter(|param| param.mode != "out").collect();
            if let ([only], Some(Returns::SetOf(ty) | Returns::Type(ty))) = (&inputs[..], &function.returns) {
                let (from, to) =
                    (TableName::new(&*only.ty.schema, &*only.ty.name), TableName::new(&*ty.schema, &*ty.name));
                if api.relation(&from).is_some() && api.relation(&to).is_some() {
                    let by = function.name.clone();
                    add(
                        &from,
                        Way { to, by, kind: WayKind::Function, own: Vec::new(), theirs: Vec::new(), between: None },
                    );
                }
            }
        }
        Self { all, keys }
    }

    /// The columns of a table's key.
    pub(crate) fn key(&self, table: &TableName) -> &[SmolStr] {
        self.keys.get(table).map(Vec::as_slice).unwrap_or_default()
    }

    fn of(&self, from: &TableName) -> impl Iterator<Item = &Way> {
        self.all.get(from).into_iter().flatten()
    }

    /// All ways that a name can mean, as the API finds them.
    pub(crate) fn find<'w>(
        &'w self,
        api: &Api<'_>,
        from: &'w TableName,
        name: &str,
        hint: Option<&str>,
    ) -> Vec<&'w Way> {
        let is = |way: &&Way| {
            let direct = matches!(way.kind, WayKind::ToOne | WayKind::ToMany);
            let column = |of: &str| direct && matches!(&way.own[..], [only] if only == of);
            let other = |of: &str| direct && matches!(&way.theirs[..], [only] if only == of);
            let key = |of: &str| direct && way.by == of;
            let to = way.to.name == name;
            if way.kind == WayKind::Function {
                return way.by == name;
            }
            if way.to == *from {
                return match hint {
                    None => to && way.kind == WayKind::ToMany || column(name) && way.kind == WayKind::ToOne,
                    Some(hint) => to && way.kind == WayKind::ToMany && (other(hint) || key(hint)),
                };
            }
            let is_table = api.relation(&way.to).is_none_or(|to| to.kind == RelationKind::Table);
            match hint {
                None => to || is_table && (key(name) || column(name)),
                Some(hint) => {
                    to && (key(hint) || column(hint) || other(hint) || way.between.is_some() && way.by == hint)
                }
            }
        };
        self.of(from).filter(is).collect()
    }

    /// The names to which ways lead.
    pub(crate) fn names<'w>(&'w self, from: &'w TableName) -> Vec<&'w str> {
        let mut names: Vec<&str> = self.of(from).map(|way| way.to.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// How a way is written, so that no other is meant.
pub(crate) fn written(way: &Way) -> String {
    match way.kind {
        WayKind::Function => way.by.to_string(),
        _ => format!("{}!{}", way.to.name, way.by),
    }
}

/// Whether a function of this name is a field of the rows of a table.
pub(crate) fn field(catalog: &Catalog, of: &TableName, name: &str) -> Option<ObjectId> {
    catalog.iter().find_map(|(id, entry)| match &entry.object {
        Object::Function(function) if id.kind == Kind::Function && function.name == name => {
            let mut inputs = function.params.iter().filter(|param| param.mode != "out");
            let only = inputs.next().filter(|_| inputs.next().is_none())?;
            (only.ty.schema == of.schema && only.ty.name == of.name).then(|| id.clone())
        }
        _ => None,
    })
}

/// Where a word of a text is written.
pub(crate) fn place(of: &Piece, word: &Word) -> specc_diag::Span {
    of.part(word.at.0, word.at.1)
}
