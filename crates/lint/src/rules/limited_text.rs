//! A text with a limit in its type
//!
//! Finds `varchar(n)` and `char(n)`.
//!
//! Why: a limit in the type is hard to move (a shorter one rewrites the whole table), and `char(n)` pads with
//! spaces; `text` is stored the same way and is as fast.
//!
//! Instead, a check, which is added and taken away without touching a row:
//!
//! ```sql
//! title text not null constraint title_is_short check (char_length(title) <= 200)
//! ```

use crate::rule::{Out, Scene};
use crate::rules::new_columns;

pub(crate) fn find(scene: &Scene<'_>, out: &mut Out) {
    for column in new_columns(scene) {
        let Some(ty) = column.ty.as_ref().filter(|ty| ty.schema.is_empty()) else { continue };
        let limited = (ty.name == "varchar" && !ty.args.is_empty()) || ty.name == "char";
        if limited {
            out.say(scene.span(column.ty_place), format!("`{}` has its limit in its type", column.name))
                .help("`text` with a check");
        }
    }
}
