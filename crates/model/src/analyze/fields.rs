//! Fields and keys of an entity, without their expressions.

use super::expand::{Mem, Via};
use super::project::{Project, check_name, show};
use super::typeref::{plain, unknown};
use crate::types::*;
use smol_str::SmolStr;
use specc_diag::{Diagnostic, Span, codes, nearest};
use specc_syntax::ast::{self, MemberKind};

/// A reference whose type waits for its target.
#[derive(Clone, Debug)]
pub(crate) struct PendingRef {
    pub entity: EntityId,
    pub field: FieldIx,
    /// The member's place in the expanded entity.
    pub member: usize,
}

/// What an entity's members have become so far.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// By member: the field that it declares.
    pub slots: Vec<Option<FieldIx>>,
    /// Columns that are unique together, a key's too, sorted.
    pub unique_sets: Vec<Vec<FieldIx>>,
    /// References in the order declared.
    pub references: Vec<PendingRef>,
    /// Where the first fields come from: those that the entity has from its parents.
    pub inherited: Vec<(EntityId, FieldIx)>,
}

/// Gives findings about a member of a mixin the place where the mixin is used; places in our own files come last.
pub(crate) fn anchor(project: &Project<'_>, via: Option<&Via>, entity: &str, out: &mut [Diagnostic]) {
    let Some(via) = via else { return };
    for found in out {
        if project.is_shipped(found.span()) && !project.is_shipped(via.span) {
            found.labels[0].span = via.span;
            found.labels.retain(|l| !project.is_shipped(l.span));
        } else if found.labels.iter().all(|l| l.span != via.span) {
            *found = found.clone().also(via.span, format!("used by `{entity}` here"));
        }
    }
}

struct Builder<'p, 'e> {
    project: &'p Project<'p>,
    entity: &'e mut Entity,
    shape: Shape,
    out: &'e mut Vec<Diagnostic>,
}

/// Adds the fields of `members` to `entity`, after those that its parents have.
pub(crate) fn fields(
    project: &Project<'_>,
    entity: &mut Entity,
    members: &[Mem<'_>],
    inherited: &[Field],
    out: &mut Vec<Diagnostic>,
) -> Shape {
    let name = entity.name.name.clone();
    entity.fields.extend_from_slice(inherited);
    let mut all = Builder { project, entity, shape: Shape::default(), out };
    all.shape.slots.reserve(members.len());
    let columns =
        |m: &&Mem<'_>| matches!(m.member.kind, MemberKind::Field(_) | MemberKind::Ref(_) | MemberKind::Search(_));
    all.entity.fields.reserve_exact(members.iter().filter(columns).count());
    for (at, mem) in members.iter().enumerate() {
        let before = all.out.len();
        let slot = all.member(at, mem);
        all.shape.slots.push(slot);
        anchor(project, mem.via.as_ref(), &name, &mut all.out[before..]);
    }
    let mut key: Option<Span> = None;
    for mem in members {
        let before = all.out.len();
        all.key(mem, &mut key);
        anchor(project, mem.via.as_ref(), &name, &mut all.out[before..]);
    }
    // What is written is all there is: a table may well have no columns.
    if all.entity.fields.is_empty() && !all.entity.external && project.options.derive {
        let message = format!("entity `{name}` has no fields");
        let help = "give it at least a key: `id: uuid = gen_random_uuid() key`";
        all.out.push(Diagnostic::new(codes::EMPTY_ENTITY, all.entity.meta.span, message).help(help));
    }
    all.renames(members);
    all.shape
}

impl Builder<'_, '_> {
    /// A column that holds rows of an entity, where a reference is meant as a rule.
    fn whole_row(&mut self, f: &ast::FieldDecl, ty: &Type) {
        let Base::Row(_) = ty.base else { return };
        let (name, target) = (&f.name.text, show(&f.ty.name));
        let optional = if f.ty.nullable { "?" } else { "" };
        let (holds, help) = if ty.dims > 0 {
            let own = &self.entity.name.name;
            ("whole rows", format!("declare the reference in `{target}`: `{own}_id -> {own} inverse {name}`"))
        } else {
            ("a whole row", format!("write `{name} -> {target}{optional}` for a reference"))
        };
        let message = format!("`{name}` holds {holds} of `{target}`");
        self.out.push(Diagnostic::new(codes::ROW_COLUMN, f.ty.at.0, message).help(help));
    }

    fn member(&mut self, at: usize, mem: &Mem<'_>) -> Option<FieldIx> {
        let mixin = mem.via.as_ref().map(|v| v.mixin.clone());
        let doc = &mem.member.doc;
        match &mem.member.kind {
            MemberKind::Field(f) => {
                let ty = self.project.resolve_type(&f.ty, self.out);
                self.whole_row(f, &ty);
                let field = Field {
                    meta: self.project.meta(doc, &f.name, f.was.as_deref()),
                    name: f.name.text.clone(),
                    nullable: f.ty.nullable,
                    default: None,
                    generated: None,
                    is_virtual: f.is_virtual,
                    identity: f.identity.as_ref().map(|i| Box::new((i.always, i.options.clone()))),
                    collation: f.collate.as_ref().map(|c| Box::new(self.project.collation(c, self.out))),
                    maintained: None,
                    immutable: f.immutable,
                    class: f.class,
                    deprecated: f.deprecated.clone(),
                    backfill: None,
                    using: None,
                    storage: f.storage.as_ref().map(|s| Box::new(s.text.clone())),
                    compression: f.compression.as_ref().map(|c| Box::new(c.text.clone())),
                    statistics: f
                        .statistics
                        .as_deref()
                        .and_then(|said| super::stored::column_statistics(said, self.out)),
                    shape: None,
                    inherited: false,
                    relation: None,
                    mixin,
                    ty,
                };
                self.check_field(f, &field.ty);
                self.push(field, &f.name)
            }
            MemberKind::Ref(r) => {
                let field = Field {
                    meta: self.project.meta(doc, &r.column, r.was.as_ref()),
                    name: r.column.text.clone(),
                    ty: unknown(),
                    nullable: r.nullable,
                    default: None,
                    generated: None,
                    is_virtual: false,
                    identity: None,
                    collation: None,
                    maintained: None,
                    immutable: r.immutable,
                    class: None,
                    deprecated: r.deprecated.clone(),
                    backfill: None,
                    using: None,
                    storage: None,
                    compression: None,
                    statistics: None,
                    shape: None,
                    inherited: false,
                    relation: None,
                    mixin,
                };
                let field = self.push(field, &r.column)?;
                self.shape.references.push(PendingRef { entity: self.entity.id, field, member: at });
                Some(field)
            }
            MemberKind::CompositeRef(_) => {
                // one of several columns: `field` is not used
                self.shape.references.push(PendingRef { entity: self.entity.id, field: usize::MAX, member: at });
                None
            }
            MemberKind::Search(s) => {
                let place = ast::At(mem.member.at.0);
                let name = s.column.clone().unwrap_or(ast::Name { text: "search".into(), at: place });
                let field = Field {
                    meta: self.project.meta(doc, &name, None),
                    name: name.text.clone(),
                    ty: plain("tsvector"),
                    nullable: false,
                    default: None,
                    generated: None,
                    is_virtual: false,
                    identity: None,
                    collation: None,
                    maintained: None,
                    immutable: false,
                    class: None,
                    deprecated: None,
                    backfill: None,
                    using: None,
                    storage: None,
                    compression: None,
                    statistics: None,
                    shape: None,
                    inherited: false,
                    relation: None,
                    mixin,
                };
                self.push(field, &name)
            }
            _ => None,
        }
    }

    fn push(&mut self, field: Field, name: &ast::Name) -> Option<FieldIx> {
        check_name(name, self.out);
        if specc_facts::SYSTEM_COLUMNS.contains(&&*name.text) {
            let message = format!("field name `{}` is a system column of every table", name.text);
            let help = format!("choose another name, such as `{}_value`", name.text);
            self.out.push(Diagnostic::new(codes::RESERVED_NAME, name.at.0, message).help(help));
        }
        let at = self.entity.fields.len();
        match self.entity.field(&field.name) {
            // A column of its own that a parent has too is one column.
            Some(at) if self.entity.fields[at].inherited => {
                self.entity.fields[at] = field;
                Some(at)
            }
            Some(first) => {
                let first = &self.entity.fields[first];
                let message = format!("field `{}` is declared twice in `{}`", name.text, self.entity.name.name);
                let help = match &first.mixin {
                    Some(mixin) => format!("mixin `{mixin}` brings `{}` already; rename or remove this one", name.text),
                    None => "rename or remove one of the two".to_owned(),
                };
                let found = Diagnostic::new(codes::DUPLICATE_FIELD, name.at.0, message).label("again here");
                self.out.push(found.also(first.meta.span, "first here").help(help));
                None
            }
            None => {
                self.entity.fields.push(field);
                Some(at)
            }
        }
    }

    fn check_field(&mut self, f: &ast::FieldDecl, ty: &Type) {
        if f.identity.is_some() {
            let counts = ty.dims == 0
                && match &ty.base {
                    Base::Builtin(name) => matches!(&**name, "smallint" | "int" | "bigint"),
                    Base::Unknown => true,
                    _ => false,
                };
            let problem = if !counts {
                Some(("an identity column counts, and this type cannot".to_owned(), "use `bigint identity`"))
            } else if f.ty.nullable {
                Some((format!("identity column `{}` is nullable", f.name.text), "remove the `?`"))
            } else if f.value.is_some() || f.generated.is_some() {
                let message = format!("identity column `{}` has another value as well", f.name.text);
                Some((message, "keep one of `identity`, `=` and `generated`"))
            } else {
                None
            };
            if let Some((message, help)) = problem {
                self.out.push(Diagnostic::new(codes::BAD_IDENTITY, f.ty.at.0, message).help(help));
            } else if let (Some(identity), Base::Builtin(ty)) = (&f.identity, &ty.base) {
                super::counters::check(&identity.options, ty, &format!("identity `{}`", f.name.text), self.out);
            }
        }
        if let (Some(generated), Some(_)) = (&f.generated, &f.value) {
            let message = format!("generated column `{}` has a default as well", f.name.text);
            let help = "keep one of `=` and `generated`";
            self.out.push(Diagnostic::new(codes::BAD_GENERATED, generated.at.0, message).help(help));
        }
    }

    fn nullable_key(&mut self, field: FieldIx) {
        let field = &self.entity.fields[field];
        if field.nullable {
            let message = format!("key column `{}` is nullable", field.name);
            let found = Diagnostic::new(codes::NULLABLE_KEY, field.meta.span, message);
            self.out.push(found.help("remove the `?` from its type"));
        }
    }

    fn two_keys(&mut self, span: Span, first: Span) {
        let message = format!("entity `{}` has two primary keys", self.entity.name.name);
        let found = Diagnostic::new(codes::TWO_KEYS, span, message).label("second key").also(first, "first key");
        self.out.push(found.help("for a key of several columns write `key (a, b)`; for the second use `unique`"));
    }

    /// The primary key and the unique sets, names left for later.
    fn key(&mut self, mem: &Mem<'_>, first: &mut Option<Span>) {
        let flagged = match &mem.member.kind {
            MemberKind::Field(f) => Some((&f.name, f.key, f.unique)),
            MemberKind::Ref(r) => Some((&r.column, r.key, r.unique)),
            _ => None,
        };
        if let Some((name, key, unique)) = flagged {
            let Some(field) = self.entity.field(&name.text) else { return };
            if unique {
                self.shape.unique_sets.push(vec![field]);
            }
            if !key {
                return;
            }
            match first {
                Some(first) => self.two_keys(name.at.0, *first),
                None => {
                    *first = Some(name.at.0);
                    self.nullable_key(field);
                    self.set_key(vec![field], Vec::new(), name.at.0, false, false, None);
                }
            }
            return;
        }
        match &mem.member.kind {
            MemberKind::Key(k) => {
                let columns = self.columns(&k.columns);
                let include = self.columns(&k.include);
                if columns.len() < k.columns.len() {
                    first.get_or_insert(mem.member.at.0);
                    return;
                }
                match first {
                    Some(first) => self.two_keys(mem.member.at.0, *first),
                    None => {
                        *first = Some(mem.member.at.0);
                        for column in &columns {
                            self.nullable_key(*column);
                        }
                        let doc = mem.member.doc.clone();
                        self.set_key(columns, include, mem.member.at.0, k.deferrable, k.initially_deferred, doc);
                    }
                }
            }
            MemberKind::Unique(u) if u.filter.is_none() && u.elements.iter().all(|e| e.is_column) => {
                let names = u.elements.iter().map(|e| super::substitute::as_name(&e.expr.text));
                let set: Vec<_> = names.filter_map(|n| self.entity.field(&n)).collect();
                if set.len() == u.elements.len() {
                    self.add_set(set);
                }
            }
            MemberKind::Index(i) if i.unique && i.filter.is_none() && i.elements.iter().all(|e| e.is_column) => {
                let names = i.elements.iter().map(|e| super::substitute::as_name(&e.expr.text));
                let set: Vec<_> = names.filter_map(|n| self.entity.field(&n)).collect();
                if set.len() == i.elements.len() {
                    self.add_set(set);
                }
            }
            _ => {}
        }
    }

    fn set_key(
        &mut self,
        fields: Vec<FieldIx>,
        include: Vec<FieldIx>,
        span: Span,
        defer: bool,
        initially: bool,
        doc: Option<SmolStr>,
    ) {
        self.add_set(fields.clone());
        let name = SmolStr::default(); // given with the other names of the table
        self.entity.key =
            Some(Key { name, doc, fields, include, deferrable: defer, initially_deferred: initially, span });
    }

    fn add_set(&mut self, mut set: Vec<FieldIx>) {
        set.sort_unstable();
        self.shape.unique_sets.push(set);
    }

    fn columns(&mut self, names: &[ast::Name]) -> Vec<FieldIx> {
        let mut list = Vec::with_capacity(names.len());
        for name in names {
            match self.entity.field(&name.text) {
                Some(at) => list.push(at),
                None => self.out.push(unknown_field(self.entity, &name.text, name.at.0)),
            }
        }
        list
    }

    /// Renames from names that are still there, unless the field that has the name now came from another one.
    fn renames(&mut self, members: &[Mem<'_>]) {
        for mem in members {
            let was = match &mem.member.kind {
                MemberKind::Field(f) => f.was.as_deref(),
                MemberKind::Ref(r) => r.was.as_ref(),
                _ => None,
            };
            let Some(was) = was else { continue };
            if let Some(there) = self.entity.field(&was.text) {
                let meta = &self.entity.fields[there].meta;
                if meta.was.as_ref().is_some_and(|before| *before != was.text) {
                    continue;
                }
                let there = meta.span;
                self.out.push(super::collect::still_there("field", &was.text, was.at.0, there));
            }
        }
    }
}

/// A field that the entity does not have.
pub(crate) fn unknown_field(entity: &Entity, name: &str, span: Span) -> Diagnostic {
    let message = format!("`{}` has no field `{name}`", entity.name.name);
    let mut names: Vec<&str> = entity.fields.iter().map(|f| f.name.as_str()).collect();
    names.sort_unstable();
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if names.len() <= 12 => format!("it has {}", list(&names)),
        None => format!("declare it in `{}`: `{name}: text`", entity.name.name),
    };
    Diagnostic::new(codes::UNKNOWN_FIELD, span, message).help(help)
}

/// `` `a`, `b` and `c` ``
pub(crate) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|w| format!("`{w}`")).collect();
    match quoted.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}
