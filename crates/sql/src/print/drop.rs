//! What takes objects away. Nothing cascades: what still needs the object makes the statement fail.

use super::{access, data, named, types};
use crate::quote::push_ident;
use crate::statement::Named;
use specc_catalog::Object;

pub(super) fn drop(out: &mut String, object: &Object) {
    match object {
        Object::Role(o) => types::drop_role(out, o),
        Object::Constraint(o) => {
            super::alter_table(out, &o.table);
            out.push_str("drop constraint ");
            push_ident(out, &o.name);
        }
        Object::Grant(o) => access::revoke(out, &access::access_of(o)),
        Object::PublicationTable(o) => data::unpublish(out, o),
        Object::Bucket(o) => data::delete_bucket(out, o),
        Object::Job(o) => data::unschedule(out, o),
        Object::Seed(o) => data::delete_seed(out, o),
        Object::Sql(o) => data::verbatim(out, o.down.as_deref().unwrap_or_default()),
        other => {
            out.push_str("drop ");
            named(out, Named::Object(other));
        }
    }
}
