//! Rules as a spec says them.

use specc_model::{Entity, Expr, Model, Rule, RuleAction};
use specc_syntax::ast::{
    At, FileIdEq, Item, ItemKind, Name, PolicyAction, PolicyBlock, PolicyRule, QName, RawExpr, SpecFile,
};

fn name(text: &str) -> Name {
    Name { text: text.into(), at: At::default() }
}

fn raw(expr: &Expr) -> RawExpr {
    RawExpr { text: expr.text.clone(), at: At::default() }
}

fn tree(entity: &Entity, rule: &Rule) -> PolicyRule {
    let columns = |fields: &[usize]| fields.iter().map(|field| name(&entity.fields[*field].name)).collect();
    let action = |(action, fields): &(RuleAction, Vec<usize>)| PolicyAction {
        action: name(action.word()),
        columns: columns(fields),
    };
    let actions = match rule.all {
        true => vec![PolicyAction { action: name("all"), columns: Vec::new() }],
        false => rule.actions.iter().map(action).collect(),
    };
    PolicyRule {
        doc: None,
        name: name(&rule.name),
        forbid: rule.forbid,
        actions,
        roles: rule.roles.iter().map(|role| name(role)).collect(),
        when: rule.when.as_deref().map(raw),
        unless: rule.unless,
        check: rule.check.as_deref().map(raw),
        exact: rule.exact,
        was: rule.was.as_ref().map(|was| name(was)),
        at: At::default(),
    }
}

/// A block with rules of an entity.
pub(super) fn block(model: &Model, entity: &Entity, rules: &[&Rule]) -> String {
    let schema = &entity.name.schema;
    let schema = (*schema != model.options.default_schema).then(|| name(schema));
    let entity_name = QName { schema, name: name(&entity.name.name) };
    let rules = rules.iter().map(|rule| tree(entity, rule)).collect();
    let kind = ItemKind::Policy(PolicyBlock { entity: entity_name, rules });
    let item = Item { doc: None, kind, at: At::default() };
    specc_syntax::print(&SpecFile {
        file: FileIdEq::default(),
        items: vec![item],
        comments: Vec::new(),
        accepts: Vec::new(),
    })
}

/// One rule, as it stands in a block.
pub(super) fn line(model: &Model, entity: &Entity, rule: &Rule) -> String {
    let block = block(model, entity, &[rule]);
    let mut lines: Vec<&str> = block.trim_end().lines().skip(1).collect();
    lines.pop();
    let lines: Vec<&str> = lines.into_iter().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    lines.join("\n")
}
