//! `specc types`

use crate::args::{Format, Lang, Types};
use crate::config::Config;
use crate::output;
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, data, note};
use specc_catalog::Catalog;
use specc_diag::{Sources, codes};
use specc_model::Target;
use specc_types::Options;
use std::path::Path;
use std::process::ExitCode;

/// Writes the types of the spec, or of a database, or says whether a file has them.
pub fn run(args: &Types, format: Format) -> Result<ExitCode, Failure> {
    let Lang::Typescript = args.lang;
    let (catalog, around, mut options) = match args.sql.is_some() || args.connection.database_url.is_some() {
        true => {
            let (catalog, target) = super::pull::catalog(args.sql.as_deref(), args.target, &args.connection)?;
            (catalog, around(target), Options::default())
        }
        false => {
            let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
            let around = specc_lower::external(&compilation.model);
            (compilation.catalog, around, asked(&compilation.config))
        }
    };
    if !args.schema.is_empty() {
        options.schemas = args.schema.iter().map(Into::into).collect();
    }
    options.strict |= args.strict;
    let types = made(&catalog, &around, &options)?;
    for doubt in &types.doubts {
        note(&format!("warning: {doubt}"));
    }
    if let Some(file) = &args.check {
        return check(file, &types.text, format);
    }
    match &args.out {
        Some(file) => output::write_one(file, &types.text)?,
        None => data(types.text.trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

/// What a database for this target has besides what is its own.
fn around(target: Target) -> Catalog {
    let options = specc_model::Options { target, ..specc_model::Options::default() };
    specc_lower::external(&specc_model::analyze(Vec::new(), &mut Sources::new(), options).0)
}

/// What the settings ask for.
pub fn asked(config: &Config) -> Options {
    Options { schemas: config.types.schemas.iter().map(Into::into).collect(), strict: config.types.strict }
}

/// The types of a catalog.
///
/// # Errors
/// A schema that is not there.
pub fn made(catalog: &Catalog, around: &Catalog, options: &Options) -> Result<specc_types::Types, Failure> {
    specc_types::typescript(catalog, around, options).map_err(|missing| {
        let schemas: Vec<&str> = catalog.iter().map(|(id, _)| id.schema.as_str()).collect();
        let near = specc_diag::nearest(&missing, schemas.into_iter().filter(|schema| !schema.is_empty()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name a schema that has tables, or none for `public`".to_owned(),
        };
        Failure::Refused(Some(codes::TYPES_SCHEMA), format!("there is no schema `{missing}`\n  help: {help}"))
    })
}

fn check(file: &Path, text: &str, format: Format) -> Result<ExitCode, Failure> {
    let committed = std::fs::read_to_string(file)
        .map_err(|error| Failure::broken(format!("cannot read {}: {error}", file.display())))?;
    let Some(found) = specc_types::difference(&committed, text) else {
        if format == Format::Json {
            data(&serde_json::json!({ "differs": false }).to_string());
        } else {
            eprintln!("{} is as the schema says", file.display());
        }
        return Ok(ExitCode::SUCCESS);
    };
    let place = match found.path.is_empty() {
        true => String::new(),
        false => format!(" in `{}`", found.path.join(".")),
    };
    let (line, was) = found.line.unwrap_or_else(|| (committed.lines().count(), "the end of the file".to_owned()));
    let now = found.instead.unwrap_or_else(|| "the end of the file".to_owned());
    let text = format!(
        "{}:{line} is not what the schema says now{place}\n  there: {was}\n  now:   {now}\n  \
         help: write it anew: `specc types -o {}`",
        file.display(),
        file.display()
    );
    Err(Failure::Refused(Some(codes::TYPES_DIFFER), text))
}
