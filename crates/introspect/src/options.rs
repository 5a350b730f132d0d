//! Storage parameters.

use smol_str::SmolStr;
use specc_catalog::Parameters;

/// `name=value`, in Postgres's order; those of the table that keeps long values begin with `toast.`.
pub(crate) fn parameters(own: Option<Vec<&str>>, toast: Option<Vec<&str>>) -> Parameters {
    let split = |text: &str, prefix: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, "true"));
        (SmolStr::from(format!("{prefix}{name}")), SmolStr::from(value))
    };
    let own = own.into_iter().flatten().map(|text| split(text, ""));
    own.chain(toast.into_iter().flatten().map(|text| split(text, "toast."))).collect()
}
