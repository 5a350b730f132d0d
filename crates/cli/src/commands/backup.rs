//! `specc backup`

use super::database::{Place, broken, failure, summary, tell};
use crate::args::{Backup, Format};
use crate::pipeline;
use crate::project::Project;
use crate::report::{Failure, plural};
use specc_runner::{BackupOptions, Manifest, Scope, SpecColumn};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How folders begin that hold a backup that is not whole yet.
const STAGED: &str = ".specc-backup-";

/// Writes a dump and its manifest.
pub fn run(args: &Backup, format: Format) -> Result<ExitCode, Failure> {
    let place = Place::open(&args.place, &args.connection)?;
    let scope = match (args.schema_only, args.data_only) {
        (true, _) => Scope::Schema,
        (_, true) => Scope::Data,
        _ => Scope::Whole,
    };
    let masked = args.masked.then(|| columns(args)).transpose()?;
    let file = args.file.clone().unwrap_or_else(|| file_name(&place, scope));
    let manifest = write(&place, &file, scope, &args.table, masked)?;
    let rows: i64 = manifest.tables.iter().map(|table| table.rows).sum();
    let words = format!(
        "{}: {} bytes, {}, {rows} rows\n  {}\n  {}",
        place.address,
        manifest.bytes,
        plural(manifest.tables.len(), "table"),
        file.display(),
        beside(&file).display()
    );
    let json = serde_json::json!({ "file": file, "manifest": manifest });
    summary(format, &json, &words);
    Ok(ExitCode::SUCCESS)
}

/// The columns of the spec, and which of them have a class.
fn columns(args: &Backup) -> Result<Vec<SpecColumn>, Failure> {
    let compilation = pipeline::compile(Project::open(&args.place.project)?, false)?;
    let all = compilation.model.entities.iter().flat_map(|entity| {
        entity.fields.iter().map(|field| SpecColumn {
            schema: entity.name.schema.to_string(),
            table: entity.name.name.to_string(),
            column: field.name.to_string(),
            masked: field.class.is_some(),
        })
    });
    Ok(all.collect())
}

/// Where a backup goes if nobody says: named by database and time, in the working folder.
pub fn file_name(place: &Place, scope: Scope) -> PathBuf {
    let part = match scope {
        Scope::Whole => "",
        Scope::Schema => "-schema",
        Scope::Data => "-data",
    };
    let name: String = place
        .address
        .database()
        .chars()
        .map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' })
        .collect();
    format!("{name}{part}-{}.dump", jiff::Timestamp::now().strftime("%Y%m%d%H%M%S")).into()
}

/// Where the manifest of a dump is.
pub fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".json");
    name.into()
}

/// Writes both; neither is there before it is whole.
pub fn write(
    place: &Place,
    file: &Path,
    scope: Scope,
    tables: &[String],
    masked: Option<Vec<SpecColumn>>,
) -> Result<Manifest, Failure> {
    let manifest_file = beside(file);
    for path in [file, &manifest_file] {
        if path.exists() {
            return Err(Failure::broken(format!("{} is there already; name another file with --file", path.display())));
        }
    }
    let folder = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let cannot = |error: std::io::Error| Failure::broken(format!("cannot write in {}: {error}", folder.display()));
    // Only its owner may read it: it is a copy of the database.
    let (staged, _lock) = staging(folder).map_err(cannot)?;
    let dump = staged.path().join("dump");
    let mut session = place.connect().map_err(broken)?;
    let options = BackupOptions { scope, tables: tables.to_vec(), supabase: place.is_supabase(), masked };
    let manifest = specc_runner::backup(&mut session, &place.address, &dump, &options, &tell).map_err(failure)?;
    private(&dump).map_err(cannot)?;
    let mut json = tempfile::NamedTempFile::new_in(folder).map_err(cannot)?;
    json.write_all(manifest.to_json().as_bytes()).map_err(cannot)?;
    std::fs::rename(&dump, file).map_err(cannot)?;
    json.persist(&manifest_file).map_err(|error| cannot(error.error))?;
    Ok(manifest)
}

/// A folder for what is not whole yet, and the lock that says that somebody is at it. Those of backups that were killed go.
fn staging(folder: &Path) -> std::io::Result<(tempfile::TempDir, std::fs::File)> {
    for entry in std::fs::read_dir(folder)?.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(STAGED);
        if !is_ours || !entry.file_type()?.is_dir() {
            continue;
        }
        if std::fs::File::open(entry.path()).is_ok_and(|left| left.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let staged = tempfile::Builder::new().prefix(STAGED).tempdir_in(folder)?;
    let lock = std::fs::File::open(staged.path())?;
    lock.try_lock()?;
    Ok((staged, lock))
}

fn private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}
