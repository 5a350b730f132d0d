//! See the crate's page.

use crate::Output;
use specc_model::Model;

pub(crate) fn lower(_model: &Model, _out: &mut Output) {}
