//! What the kernel keeps a scratch server from, whatever the SQL in it does: files beyond its folder, programs, the
//! network.
//!
//! A server's children inherit what their parent may not do. Landlock and seccomp bind the thread that asks for them, so the
//! server is started from a thread that exists only for that.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::{io, thread};

/// What of the confinement is in force.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confinement {
    /// Other files, and programs, are out of reach (Landlock).
    pub files: bool,
    /// The network, other processes and the kernel's rarer services are out of reach (seccomp).
    pub calls: bool,
}

impl Confinement {
    /// What is not in force here, in words; nothing where all is.
    pub fn lacks(self) -> Option<&'static str> {
        match (self.files, self.calls) {
            (true, true) => None,
            (true, false) => Some("no seccomp filter: the network is kept from it by its role alone"),
            (false, true) => Some("no Landlock: files and programs are kept from it by its role alone"),
            (false, false) => {
                Some("neither Landlock nor seccomp: files, programs and the network are kept from it by its role alone")
            }
        }
    }
}

/// What a server needs.
pub(crate) struct Room {
    /// The one folder that it may write.
    pub(crate) own: PathBuf,
    /// The one program that it may run.
    pub(crate) program: PathBuf,
    /// What it may read besides.
    pub(crate) reads: Vec<PathBuf>,
}

/// Starts a program that can do no more than the room allows, as far as this kernel knows how.
pub(crate) fn spawn(mut command: Command, room: &Room) -> io::Result<(Child, Confinement)> {
    thread::scope(|scope| {
        let confined = scope.spawn(|| {
            let confinement = Confinement { files: confine_files(room), calls: confine_calls() };
            command.spawn().map(|child| (child, confinement))
        });
        confined.join().unwrap_or_else(|_| Err(io::Error::other("the thread that starts it broke")))
    })
}

/// Bounds what one process of the server can take. What it already has stays.
pub(crate) fn limit(child: &Child, memory: u64, file: u64) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
        for (resource, most) in [(Resource::As, memory), (Resource::Fsize, file), (Resource::Core, 0)] {
            // A bound that is lower already is as good.
            let _ = prlimit(Some(pid), resource, Rlimit { current: Some(most), maximum: Some(most) });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (child, memory, file);
}

#[cfg(target_os = "linux")]
fn confine_files(room: &Room) -> bool {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetError, RulesetStatus, Scope, make_bitflags, path_beneath_rules,
    };
    /// What kernel 6.15 and later know; an earlier one holds what it knows.
    const KNOWN: ABI = ABI::V7;
    let read: BitFlags<AccessFs> = make_bitflags!(AccessFs::{ReadFile | ReadDir});
    let device = make_bitflags!(AccessFs::{ReadFile | WriteFile});
    let mut own = AccessFs::from_all(KNOWN);
    own.remove(AccessFs::Execute | AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::MakeFifo | AccessFs::IoctlDev);
    let run = AccessFs::Execute | AccessFs::ReadFile;
    let mut runs = vec![room.program.clone()];
    runs.extend(interpreter(&room.program));
    let restrict = || -> Result<bool, RulesetError> {
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(KNOWN))?
            // No port is listed: none can be bound or reached.
            .handle_access(AccessNet::from_all(KNOWN))?
            .scope(Scope::from_all(KNOWN))?
            .create()?
            .add_rules(path_beneath_rules(&room.reads, read))?
            .add_rules(path_beneath_rules(["/dev/null"], device))?
            .add_rules(path_beneath_rules(["/dev/urandom", "/dev/random", "/dev/zero"], AccessFs::ReadFile))?
            .add_rules(path_beneath_rules(&runs, run))?
            .add_rules(path_beneath_rules([&room.own], own))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    };
    restrict().unwrap_or(false)
}

/// What loads a program's libraries, as the program names it: the kernel runs that first.
#[cfg(target_os = "linux")]
fn interpreter(program: &Path) -> Option<PathBuf> {
    use std::ffi::OsStr;
    use std::io::Read;
    use std::os::unix::ffi::OsStrExt;
    let mut head = Vec::new();
    std::fs::File::open(program).ok()?.take(64 * 1024).read_to_end(&mut head).ok()?;
    let word = |bytes: &'_ [u8], at: usize, size: usize| -> Option<usize> {
        let mut value = 0;
        for byte in bytes.get(at..at + size)?.iter().rev() {
            value = value << 8 | usize::from(*byte);
        }
        Some(value)
    };
    // The header of a 64-bit little-endian program: where the list of segments is, the size of an entry, and how many.
    let (list, size, count) = (word(&head, 32, 8)?, word(&head, 54, 2)?, word(&head, 56, 2)?);
    const INTERPRETER: usize = 3;
    let entry = (0..count)
        .filter_map(|n| head.get(list.checked_add(n * size)?..))
        .find(|entry| word(entry, 0, 4) == Some(INTERPRETER))?;
    let (from, length) = (word(entry, 8, 8)?, word(entry, 32, 8)?);
    let name = head.get(from..from.checked_add(length)?)?.split(|byte| *byte == 0).next()?;
    Some(PathBuf::from(OsStr::from_bytes(name)))
}

#[cfg(target_os = "linux")]
fn confine_calls() -> bool {
    use seccompiler::{BpfProgram, apply_filter};
    let filter = filter().and_then(|filter| BpfProgram::try_from(filter).ok());
    filter.is_some_and(|filter| apply_filter(&[unfiltered().to_vec(), filter].concat()).is_ok())
}

/// Before the filter: calls whose number or arguments it cannot judge do not exist. The flags of `clone3` are in memory that
/// a filter does not see, and the C library makes do with `clone`. The x32 variant gives each call a second number.
#[cfg(target_os = "linux")]
fn unfiltered() -> [seccompiler::sock_filter; 4] {
    use libc::{BPF_ABS, BPF_JEQ, BPF_JGE, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
    const X32: u32 = 0x4000_0000;
    const CLONE3: u32 = libc::SYS_clone3 as u32;
    const MISSING: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let step = |code: u32, jt, jf, k| seccompiler::sock_filter { code: code as u16, jt, jf, k };
    [
        // The number of the call.
        step(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, CLONE3),
        step(BPF_JMP | BPF_JGE | BPF_K, 0, 1, X32),
        step(BPF_RET | BPF_K, 0, 0, MISSING),
    ]
}

/// A server talks through the socket that it listens on and to nobody else, and looks into no other process. What is not
/// listed here is allowed: which calls a server makes depends on its version and on the C library.
#[cfg(target_os = "linux")]
fn filter() -> Option<seccompiler::SeccompFilter> {
    use seccompiler::SeccompCmpArgLen::{Dword, Qword};
    use seccompiler::SeccompCmpOp::{MaskedEq, Ne};
    use seccompiler::{SeccompAction, SeccompCondition, SeccompFilter, SeccompRule};
    use std::collections::BTreeMap;
    const NEVER: [i64; 43] = [
        libc::SYS_connect,
        libc::SYS_sendmsg,
        libc::SYS_sendmmsg,
        libc::SYS_io_uring_setup,
        libc::SYS_io_uring_enter,
        libc::SYS_io_uring_register,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_pidfd_getfd,
        libc::SYS_kcmp,
        libc::SYS_execveat,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_umount2,
        libc::SYS_move_mount,
        libc::SYS_open_tree,
        libc::SYS_fsopen,
        libc::SYS_fsmount,
        libc::SYS_mount_setattr,
        libc::SYS_pivot_root,
        libc::SYS_chroot,
        libc::SYS_open_by_handle_at,
        libc::SYS_name_to_handle_at,
        libc::SYS_bpf,
        libc::SYS_perf_event_open,
        libc::SYS_userfaultfd,
        libc::SYS_add_key,
        libc::SYS_request_key,
        libc::SYS_keyctl,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_delete_module,
        libc::SYS_kexec_load,
        libc::SYS_reboot,
        libc::SYS_swapon,
        libc::SYS_swapoff,
        libc::SYS_acct,
        libc::SYS_syslog,
        libc::SYS_settimeofday,
        libc::SYS_clock_settime,
        libc::SYS_fanotify_init,
    ];
    let when = |condition: Option<SeccompCondition>| Some(vec![SeccompRule::new(vec![condition?]).ok()?]);
    let unix = u64::try_from(libc::AF_UNIX).ok()?;
    let user = u64::try_from(libc::CLONE_NEWUSER).ok()?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = NEVER.into_iter().map(|call| (call, Vec::new())).collect();
    rules.insert(libc::SYS_socket, when(SeccompCondition::new(0, Dword, Ne, unix).ok())?);
    // With an address: to somebody who is not connected.
    rules.insert(libc::SYS_sendto, when(SeccompCondition::new(4, Qword, Ne, 0).ok())?);
    rules.insert(libc::SYS_clone, when(SeccompCondition::new(0, Qword, MaskedEq(user), user).ok())?);
    let denied = SeccompAction::Errno(u32::try_from(libc::EACCES).ok()?);
    SeccompFilter::new(rules, SeccompAction::Allow, denied, std::env::consts::ARCH.try_into().ok()?).ok()
}

#[cfg(not(target_os = "linux"))]
fn confine_files(_: &Room) -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn confine_calls() -> bool {
    false
}
