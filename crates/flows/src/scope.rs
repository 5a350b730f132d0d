//! What a name stands for: declarations by the part of the text in which they count.

use crate::syntax::{NodeId, Tree};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(crate) enum Binding {
    /// A variable: the node that its value is, and the keys that lead into it where it is taken apart.
    Variable { value: Option<NodeId>, keys: Vec<SmolStr>, ty: Option<NodeId> },
    /// A function, class or enum.
    Declared(NodeId),
    /// What another file gives: its name there, `default` or `*`.
    Import { source: SmolStr, name: SmolStr },
    /// A parameter, or something else that is known when the code runs.
    Open { ty: Option<NodeId> },
}

/// The names of a tree.
#[derive(Debug, Default)]
pub(crate) struct Names {
    bound: FxHashMap<(NodeId, SmolStr), Binding>,
    /// What is assigned to a variable later, by the name; who asks looks which variable is meant.
    pub assigned: FxHashMap<SmolStr, Vec<NodeId>>,
    /// What is assigned to a property of `this`.
    pub properties: FxHashMap<SmolStr, Vec<NodeId>>,
    /// What the file gives to others: the node of the value, or what it takes from another file itself.
    pub exports: FxHashMap<SmolStr, Export>,
    /// Files of which it gives all on.
    pub passes: Vec<SmolStr>,
    /// For each node, the nearest one around it that has names.
    around: Vec<NodeId>,
}

/// What a file gives under a name.
#[derive(Clone, Debug)]
pub(crate) enum Export {
    Name(SmolStr),
    Node(NodeId),
    Other { source: SmolStr, name: SmolStr },
}

/// How many scopes in each other are looked through: no code has as many.
const DEEP: usize = 200;

impl Names {
    pub(crate) fn of<'t>(tree: &Tree, text: &impl Fn(NodeId) -> &'t str) -> Self {
        let mut names = Self::default();
        for id in 0..tree.len() {
            let around = match tree.parent(id) {
                Some(parent) if is_scope(tree.kind(parent)) => parent,
                Some(parent) => names.around[parent as usize],
                None => id,
            };
            names.around.push(around);
            names.declare(tree, id, around, text);
        }
        names
    }

    fn declare<'t>(&mut self, tree: &Tree, id: NodeId, around: NodeId, text: &impl Fn(NodeId) -> &'t str) {
        match tree.kind(id) {
            "variable_declarator" => {
                let Some(name) = tree.field(id, "name") else { return };
                let (value, ty) = (tree.field(id, "value"), tree.field(id, "type"));
                self.pattern(tree, name, around, text, &|keys| Binding::Variable { value, keys, ty });
            }
            "required_parameter" | "optional_parameter" => {
                let Some(name) = tree.field(id, "pattern") else { return };
                let ty = tree.field(id, "type");
                let scope = function_of(tree, id).unwrap_or(around);
                self.pattern(tree, name, scope, text, &|keys| Binding::Open { ty: ty.filter(|_| keys.is_empty()) });
                let is_property = tree.child(id, "accessibility_modifier").is_some();
                if let (true, Some(ty)) = (is_property, ty) {
                    self.properties.entry(text(name).into()).or_default().push(ty);
                }
            }
            "arrow_function" => {
                if let Some(name) = tree.field(id, "parameter") {
                    self.pattern(tree, name, id, text, &|_| Binding::Open { ty: None });
                }
            }
            "catch_clause" | "for_in_statement" => {
                let name = tree.field(id, "parameter").or_else(|| tree.field(id, "left"));
                if let Some(name) = name {
                    self.pattern(tree, name, id, text, &|_| Binding::Open { ty: None });
                }
            }
            "function_declaration"
            | "generator_function_declaration"
            | "class_declaration"
            | "enum_declaration"
            | "abstract_class_declaration" => {
                if let Some(name) = tree.field(id, "name") {
                    self.bind(around, text(name).into(), Binding::Declared(id));
                }
            }
            "import_statement" => self.import(tree, id, around, text),
            "export_statement" => self.export(tree, id, text),
            "assignment_expression" => {
                let (Some(left), Some(right)) = (tree.field(id, "left"), tree.field(id, "right")) else { return };
                match tree.kind(left) {
                    "identifier" => self.assigned.entry(text(left).into()).or_default().push(right),
                    "member_expression" => {
                        let of_this = tree.field(left, "object").is_some_and(|object| tree.kind(object) == "this");
                        if let (true, Some(name)) = (of_this, tree.field(left, "property")) {
                            self.properties.entry(text(name).into()).or_default().push(right);
                        }
                    }
                    _ => {}
                }
            }
            "augmented_assignment_expression" => {
                if let (Some(left), Some(_)) = (tree.field(id, "left"), tree.field(id, "right")) {
                    // The whole: what comes of it is not followed.
                    self.assigned.entry(text(left).into()).or_default().push(id);
                }
            }
            "public_field_definition" => {
                let value = tree.field(id, "value").or_else(|| tree.field(id, "type"));
                if let (Some(name), Some(value)) = (tree.field(id, "name"), value) {
                    self.properties.entry(text(name).into()).or_default().push(value);
                }
            }
            _ => {}
        }
    }

    /// The names that a pattern gives, with the keys that lead to each.
    fn pattern<'t>(
        &mut self,
        tree: &Tree,
        pattern: NodeId,
        scope: NodeId,
        text: &impl Fn(NodeId) -> &'t str,
        make: &dyn Fn(Vec<SmolStr>) -> Binding,
    ) {
        let mut open = vec![(pattern, Vec::new())];
        while let Some((id, keys)) = open.pop() {
            let with = |key: SmolStr| keys.iter().cloned().chain([key]).collect::<Vec<_>>();
            match tree.kind(id) {
                "identifier" => self.bind(scope, text(id).into(), make(keys)),
                "shorthand_property_identifier_pattern" => {
                    let name = SmolStr::new(text(id));
                    let keys = if keys.len() < DEEP { with(name.clone()) } else { continue };
                    self.bind(scope, name, make(keys));
                }
                "pair_pattern" => {
                    let (key, value) = (tree.field(id, "key"), tree.field(id, "value"));
                    if let (Some(key), Some(value), true) = (key, value, keys.len() < DEEP) {
                        open.push((value, with(text(key).into())));
                    }
                }
                "object_assignment_pattern" | "assignment_pattern" => {
                    if let Some(left) = tree.field(id, "left") {
                        open.push((left, keys));
                    }
                }
                // An element of a list has a key that no object has.
                "array_pattern" if keys.len() < DEEP => {
                    open.extend(
                        tree.children(id)
                            .enumerate()
                            .map(|(n, child)| (child, with(smol_str::format_smolstr!("[{n}]")))),
                    );
                }
                "object_pattern" => open.extend(tree.children(id).map(|child| (child, keys.clone()))),
                "rest_pattern" => open.extend(tree.children(id).map(|child| (child, vec![SmolStr::new_static("...")]))),
                _ => {}
            }
        }
    }

    fn bind(&mut self, scope: NodeId, name: SmolStr, binding: Binding) {
        self.bound.entry((scope, name)).or_insert(binding);
    }

    fn import<'t>(&mut self, tree: &Tree, id: NodeId, around: NodeId, text: &impl Fn(NodeId) -> &'t str) {
        let Some(source) = tree.field(id, "source").map(|source| bare_string(text(source))) else { return };
        let mut import = |name: NodeId, of: SmolStr| {
            self.bind(around, text(name).into(), Binding::Import { source: source.clone(), name: of });
        };
        let Some(clause) = tree.child(id, "import_clause") else { return };
        for child in tree.children(clause) {
            match tree.kind(child) {
                "identifier" => import(child, "default".into()),
                "namespace_import" => tree.children(child).for_each(|name| import(name, "*".into())),
                "named_imports" => {
                    for specifier in tree.children(child) {
                        let Some(name) = tree.field(specifier, "name") else { continue };
                        import(tree.field(specifier, "alias").unwrap_or(name), bare_string(text(name)));
                    }
                }
                _ => {}
            }
        }
    }

    fn export<'t>(&mut self, tree: &Tree, id: NodeId, text: &impl Fn(NodeId) -> &'t str) {
        let source = tree.field(id, "source").map(|source| bare_string(text(source)));
        if let Some(declared) = tree.field(id, "declaration") {
            let default = text(id).starts_with("export default");
            let mut give = |name: SmolStr| {
                if default {
                    self.exports.insert("default".into(), Export::Node(declared));
                }
                self.exports.insert(name.clone(), Export::Name(name));
            };
            match tree.field(declared, "name") {
                Some(name) => give(text(name).into()),
                None => {
                    let declarators =
                        tree.children(declared).filter(|child| tree.kind(*child) == "variable_declarator");
                    let mut open: Vec<NodeId> = declarators.filter_map(|child| tree.field(child, "name")).collect();
                    while let Some(id) = open.pop() {
                        match tree.kind(id) {
                            "identifier" | "shorthand_property_identifier_pattern" => give(text(id).into()),
                            "object_pattern" | "array_pattern" => open.extend(tree.children(id)),
                            "pair_pattern" => open.extend(tree.field(id, "value")),
                            _ => {}
                        }
                    }
                }
            }
        } else if let Some(value) = tree.field(id, "value") {
            self.exports.insert("default".into(), Export::Node(value));
        } else if let Some(clause) = tree.child(id, "export_clause") {
            for specifier in tree.children(clause) {
                let Some(name) = tree.field(specifier, "name") else { continue };
                let outside = bare_string(text(tree.field(specifier, "alias").unwrap_or(name)));
                let name = bare_string(text(name));
                let export = match &source {
                    Some(source) => Export::Other { source: source.clone(), name },
                    None => Export::Name(name),
                };
                self.exports.insert(outside, export);
            }
        } else if let Some(source) = source {
            match tree.child(id, "namespace_export").and_then(|space| tree.children(space).next()) {
                Some(name) => {
                    self.exports.insert(text(name).into(), Export::Other { source, name: "*".into() });
                }
                None => self.passes.push(source),
            }
        }
    }

    /// What a name means where `at` stands, and in which scope that is said.
    pub(crate) fn find(&self, tree: &Tree, at: NodeId, name: &SmolStr) -> Option<(NodeId, &Binding)> {
        let mut scope = if is_scope(tree.kind(at)) { at } else { self.around[at as usize] };
        for _ in 0..DEEP {
            if let Some(binding) = self.bound.get(&(scope, name.clone())) {
                return Some((scope, binding));
            }
            tree.parent(scope)?;
            scope = self.around[scope as usize];
        }
        None
    }
}

fn is_scope(kind: &str) -> bool {
    matches!(
        kind,
        "program" | "statement_block" | "for_statement" | "for_in_statement" | "catch_clause" | "switch_body"
    ) || is_function(kind)
}

pub(crate) fn is_function(kind: &str) -> bool {
    matches!(
        kind,
        "function_declaration"
            | "function_expression"
            | "arrow_function"
            | "method_definition"
            | "generator_function"
            | "generator_function_declaration"
    )
}

/// The function whose parameter it is.
fn function_of(tree: &Tree, id: NodeId) -> Option<NodeId> {
    let list = tree.parent(id)?;
    tree.parent(list).filter(|function| is_function(tree.kind(*function)))
}

/// A string without its quotes.
pub(crate) fn bare_string(text: &str) -> SmolStr {
    text.trim_matches(['"', '\'', '`']).into()
}
