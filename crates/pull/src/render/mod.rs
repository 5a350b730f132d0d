//! Objects as constructs.

mod access;
mod block;
mod routine;
mod storage;
mod table;
mod types;

use crate::state::State;
use crate::text::Text;
use specc_catalog::{Kind, Object, ObjectId};

/// A construct at the top level.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What it says; what stands in it is said by it too.
    pub id: ObjectId,
    pub sort: Sort,
    pub text: Text,
}

/// What an item is, for the file that it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    Type,
    Entity,
    Function,
    View,
    /// What belongs to something else, and stands after it: grants, a trigger of a view, policies of another's table.
    Beside,
    Platform,
    Block,
}

/// All items, in the order of the catalog.
pub(crate) fn items(state: &State<'_>) -> Vec<Item> {
    let mut all = Vec::new();
    types::outside(state, &mut all);
    for (id, entry) in state.catalog.iter() {
        if !state.is_typed(id) {
            block::block(state, id, entry, &mut all);
            continue;
        }
        if state.covered.contains(id) {
            continue;
        }
        let mut text = Text::default();
        let sort = match &entry.object {
            Object::Schema(_)
            | Object::Extension(_)
            | Object::Role(_)
            | Object::Enum(_)
            | Object::Domain(_)
            | Object::Composite(_)
            | Object::Sequence(_) => {
                types::item(state, id, &entry.object, &mut text);
                Sort::Type
            }
            Object::Table(table) => {
                if table.partition_of.is_none() {
                    table::entity(state, id, table, &mut text);
                }
                Sort::Entity
            }
            Object::Function(function) => {
                routine::function(state, id, function, &mut text);
                Sort::Function
            }
            Object::View(view) => {
                routine::view(state, id, view, &mut text);
                Sort::View
            }
            Object::Trigger(trigger) => {
                if state.entry(&view_id(&trigger.table)).is_some() {
                    routine::trigger(state, id, trigger, true, &mut text);
                }
                Sort::Beside
            }
            Object::Bucket(_) | Object::Job(_) => {
                types::platform(id, &entry.object, &mut text);
                Sort::Platform
            }
            // These stand in what they are a part of, or are said together.
            _ => {
                block::comments(state, id, entry, &mut all);
                continue;
            }
        };
        if !text.out.is_empty() {
            all.push(Item { id: id.clone(), sort, text });
        }
        if !matches!(entry.object, Object::Trigger(_)) {
            access::owner(state, id, entry, &mut all);
            access::grants(state, id, &mut all);
        }
        if let Object::Table(table) = &entry.object {
            let first = all.len();
            table.identity_sequences().for_each(|sequence| access::grants(state, &sequence, &mut all));
            all[first..].iter_mut().for_each(|item| item.id = id.clone());
        }
        block::comments(state, id, entry, &mut all);
    }
    access::others(state, &mut all);
    types::realtime(state, &mut all);
    all
}

/// The name of the block for an object.
pub(crate) fn block_name(id: &ObjectId) -> smol_str::SmolStr {
    block::name(id, "")
}

/// The blocks that set a comment: on what, name, why.
pub(crate) fn comment_blocks(state: &State<'_>) -> Vec<(ObjectId, smol_str::SmolStr, String)> {
    let mut all = Vec::new();
    for (id, entry) in state.catalog.iter() {
        if state.comments.contains(id) && state.is_typed(id) {
            all.push((id.clone(), block::name(id, block::COMMENT), "its comment has no place in the text".to_owned()));
        }
        let Object::Table(table) = &entry.object else { continue };
        for column in &table.columns {
            if state.column_comments.contains(&(id.clone(), column.name.clone())) {
                let why = format!("the comment on its column {} has no place in the text", column.name);
                all.push((id.clone(), block::name(id, &block::column_comment(&column.name)), why));
            }
        }
    }
    all
}

/// The id of the view with this name.
pub(crate) fn view_id(table: &specc_catalog::TableName) -> ObjectId {
    ObjectId::new(Kind::View, table.schema.clone(), table.name.clone())
}
