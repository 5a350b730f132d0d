//! What we ship: mixins in `.dbspec`, added when they are used, and what the platform has.

use crate::types::{Options, Target};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_diag::Sources;
use specc_syntax::ast::{ItemKind, Member, MemberKind, QName, SpecFile, TypeRef};

/// The area of our mixins and what they bring.
pub const STD: &str = "std";
/// The area of what the platform has.
pub const PLATFORM: &str = "platform";

/// Name of the mixin (and of the file) and its text.
const MIXINS: &[(&str, &str)] = &[
    ("append_only", include_str!("../../std/append_only.dbspec")),
    ("audited", include_str!("../../std/audited.dbspec")),
    ("history", include_str!("../../std/history.dbspec")),
    ("soft_delete", include_str!("../../std/soft_delete.dbspec")),
    ("tenant", include_str!("../../std/tenant.dbspec")),
    ("timestamps", include_str!("../../std/timestamps.dbspec")),
    ("versioned", include_str!("../../std/versioned.dbspec")),
];

const SUPABASE: &str = include_str!("../../platform/supabase.dbspec");

/// The names of our mixins.
pub fn mixin_names() -> impl Iterator<Item = &'static str> {
    MIXINS.iter().map(|(name, _)| *name)
}

/// The files that we ship, as name and text.
pub fn shipped() -> impl Iterator<Item = (String, &'static str)> {
    let mixins = MIXINS.iter().map(|(name, text)| (format!("std/{name}.dbspec"), *text));
    mixins.chain([("platform/supabase.dbspec".to_owned(), SUPABASE)])
}

/// Adds the files of the mixins that are used, and the platform's.
pub(crate) fn add(files: &mut Vec<SpecFile>, sources: &mut Sources, options: &Options) {
    let (used, own) = names(files);
    let viewer = viewer_type(files, sources, options);
    let retains = |members: &[Member]| members.iter().any(|member| matches!(member.kind, MemberKind::Retain(_)));
    let erases = files.iter().flat_map(|file| &file.items).any(|item| match &item.kind {
        ItemKind::Person(_) => true,
        ItemKind::Entity(entity) => retains(&entity.members),
        ItemKind::Mixin(mixin) => retains(&mixin.members),
        _ => false,
    });
    for (name, text) in MIXINS {
        if used.contains(*name) && !own.contains(*name) {
            let guard = if erases { super::classes::let_through(options) } else { String::new() };
            let text = localized(text, options, viewer.as_deref().unwrap_or("uuid")).replace("  -- erasing\n", &guard);
            let id = sources.add(format!("std/{name}.dbspec"), text.as_str());
            files.push(specc_syntax::parse(id, &text).0);
        }
    }
    if options.target == Target::Supabase {
        let id = sources.add("platform/supabase.dbspec", SUPABASE);
        files.push(specc_syntax::parse(id, SUPABASE).0);
    }
}

/// Our files say `private.` for the helper schema, `$schema$.` for the default one, and `uuid?` for who did something.
fn localized(text: &str, options: &Options, viewer: &str) -> String {
    let schema = |name: &str| format!("{}.", super::names::quoted(name));
    let (default, helpers) = (schema(&options.default_schema), schema(&options.helper_schema));
    // A schema's name must not end the body that it stands in.
    let mut tag = "$$".to_owned();
    while default.contains('$') && default.contains(tag.trim_end_matches('$'))
        || helpers.contains('$') && helpers.contains(tag.trim_end_matches('$'))
    {
        tag.insert_str(1, "body");
    }
    let parts = text.split("$schema$.").map(|part| {
        let part = part.replace("$$", &tag).replace(" uuid?", &format!(" {viewer}?"));
        if options.helper_schema == "private" { part } else { part.replace("private.", &helpers) }
    });
    parts.collect::<Vec<_>>().join(&default)
}

/// The type of the viewer's key, as it is written; of a domain, its base.
fn viewer_type(files: &[SpecFile], sources: &Sources, options: &Options) -> Option<String> {
    let schema = |name: &QName| name.schema.as_ref().map_or(options.default_schema.clone(), |s| s.text.clone());
    let same = |a: &QName, b: &QName| a.name == b.name && schema(a) == schema(b);
    let items = || files.iter().flat_map(|file| &file.items).map(|item| &item.kind);
    let mut name = items().find_map(|item| match item {
        ItemKind::Viewer(viewer) => Some(&viewer.entity),
        _ => None,
    })?;
    // A key may be a reference, to a key that is one.
    for _ in 0..8 {
        let entity = items().find_map(|item| match item {
            ItemKind::Entity(entity) if same(&entity.name, name) => Some(entity),
            _ => None,
        })?;
        let key = entity.members.iter().find_map(|member| match &member.kind {
            MemberKind::Field(field) if field.key => Some(Ok(&field.ty)),
            MemberKind::Ref(reference) if reference.key => Some(Err(&reference.target)),
            _ => None,
        })?;
        match key {
            Err(target) => name = target,
            Ok(mut ty) => {
                // Who did something may be nobody, which a domain would refuse.
                let domain = |ty: &TypeRef| {
                    items().find_map(|item| match item {
                        ItemKind::Domain(domain) if same(&domain.name, &ty.name) => Some(&domain.base),
                        _ => None,
                    })
                };
                for _ in 0..8 {
                    ty = domain(ty).unwrap_or(ty);
                }
                let at = ty.at.0;
                return sources.file(at.file).text.get(at.start as usize..at.end as usize).map(str::to_owned);
            }
        }
    }
    None
}

/// Mixins that are used, and mixins that the author declares.
fn names(files: &[SpecFile]) -> (FxHashSet<SmolStr>, FxHashSet<SmolStr>) {
    let (mut used, mut own) = (FxHashSet::default(), FxHashSet::default());
    for item in files.iter().flat_map(|f| &f.items) {
        let members = match &item.kind {
            ItemKind::Entity(entity) => &entity.members,
            ItemKind::Mixin(mixin) => {
                own.insert(mixin.name.text.clone());
                &mixin.members
            }
            _ => continue,
        };
        for member in members {
            if let MemberKind::Use(uses) = &member.kind {
                used.extend(uses.mixins.iter().map(|m| m.name.text.clone()));
            }
        }
    }
    (used, own)
}
