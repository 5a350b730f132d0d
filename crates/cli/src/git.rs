//! What git knows of a project. Only what is asked for by name is read; no program but git itself runs.

use crate::report::Failure;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder in a repository.
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// The repository that `folder` is in.
    ///
    /// # Errors
    /// Where it is in none, or there is no git.
    pub fn of(folder: &Path) -> Result<Self, Failure> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let found = Self { folder: folder.to_path_buf() };
        match found.said(&["rev-parse", "--git-dir"])? {
            Some(_) => Ok(found),
            None => Err(Failure::broken(format!("{} is in no git repository", folder.display()))),
        }
    }

    /// The commit that a name stands for, if it stands for one.
    ///
    /// # Errors
    /// Where git cannot be run.
    pub fn commit(&self, name: &str) -> Result<Option<String>, Failure> {
        let name = format!("{name}^{{commit}}");
        self.said(&["rev-parse", "--verify", "--quiet", "--end-of-options", &name])
    }

    /// The text of a file, by its path from the folder, as a commit has it.
    ///
    /// # Errors
    /// Where git cannot be run, or the file is no text.
    pub fn text(&self, commit: &str, path: &str) -> Result<Option<String>, Failure> {
        let out = self.git(&["cat-file", "blob", &format!("{commit}:./{path}")])?;
        if !out.status.success() {
            return Ok(None);
        }
        let text = String::from_utf8(out.stdout);
        text.map(Some).map_err(|_| Failure::broken(format!("{path} in {commit} is no UTF-8 text")))
    }

    /// Whether a file is one that is not committed, and is not yet.
    ///
    /// # Errors
    /// Where git cannot be run.
    pub fn ignores(&self, path: &Path) -> Result<bool, Failure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_tracked = self.said(&["ls-files", "--error-unmatch", "--", &name])?.is_some();
        Ok(!is_tracked && self.said(&["check-ignore", "--quiet", "--", &name])?.is_some())
    }

    /// Sets a setting of this clone.
    ///
    /// # Errors
    /// What git says.
    pub fn configure(&self, name: &str, value: &str) -> Result<(), Failure> {
        let out = self.git(&["config", "--local", name, value])?;
        if out.status.success() {
            return Ok(());
        }
        Err(Failure::broken(format!("git config: {}", String::from_utf8_lossy(&out.stderr).trim())))
    }

    fn said(&self, args: &[&str]) -> Result<Option<String>, Failure> {
        let out = self.git(args)?;
        Ok(out.status.success().then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned()))
    }

    fn git(&self, args: &[&str]) -> Result<Output, Failure> {
        let out = Command::new("git").arg("-C").arg(&self.folder).args(args).output();
        out.map_err(|error| Failure::broken(format!("cannot run git: {error}")))
    }
}
