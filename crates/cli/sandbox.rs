//! The rights that the process of a query gives up, if the system supports it: memory beyond a limit, files other than
//! the lake and its spill directory, the network unless the lake is on S3, and starting other programs.

use lake_model::{Kind, Result, ResultExt as _};
use lake_serve::SqlWorkerSetup;
use lake_store::Location;
use rustix::process::{Resource, Rlimit, nice, setrlimit};

/// The address space that the allocator and the runtime reserve: it counts against the limit, although no memory is
/// used for it.
const RESERVED_BYTES: usize = 2 << 30;

/// How far the process steps back behind the server for time of the cores: a third of its share.
const NICENESS: i32 = 5;

/// Gives up what a process of so many threads does not need to answer statements.
///
/// # Errors
/// If the system rejects a memory limit. Restrictions that it does not support are omitted, and logged at the level
/// `debug`.
pub(crate) fn enter(setup: &SqlWorkerSetup, threads: usize) -> Result<()> {
    let directory = Location::parse(&setup.lake)?.directory;
    bound_memory(setup, threads)?;
    // The server answers other requests next to any number of workers that use all their time.
    let _ = nice(NICENESS);
    #[cfg(target_os = "linux")]
    {
        // Of all that the system could end for memory, this is the least loss.
        let _ = std::fs::write("/proc/self/oom_score_adj", "500");
        log_restriction("Landlock", linux::restrict_files(directory.as_deref(), &setup.spill_directory));
        log_restriction("seccomp", linux::restrict_calls(directory.is_none()));
    }
    #[cfg(not(target_os = "linux"))]
    drop(directory);
    Ok(())
}

fn bound_memory(setup: &SqlWorkerSetup, threads: usize) -> Result<()> {
    let reserved = RESERVED_BYTES.saturating_add(threads.saturating_mul(lake_query::STACK_BYTES));
    let most = setup.process_bytes.saturating_add(reserved) as u64;
    let bound = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    let failed = || "bounding the memory of a process";
    setrlimit(Resource::Data, bound(most)).or_err(Kind::Internal, failed)?;
    setrlimit(Resource::Core, bound(0)).or_err(Kind::Internal, failed)
}

#[cfg(target_os = "linux")]
fn log_restriction(what: &str, entered: Result<String>) {
    match entered {
        Ok(status) => tracing::debug!("{what}: {status}"),
        Err(error) => tracing::debug!("{what} could not be set up: {error}"),
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use lake_model::{Kind, Result, ResultExt as _};
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, Scope,
        path_beneath_rules,
    };
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    /// The newest version of Landlock that is used; an older kernel restricts the rights that it supports.
    const KNOWN: ABI = ABI::V6;

    /// The files that every process reads: itself, and the number of cores it may use.
    const SYSTEM: [&str; 6] =
        ["/proc/self", "/sys/fs/cgroup", "/sys/devices/system/cpu", "/dev/urandom", "/dev/null", "/etc/localtime"];
    /// The files that a client of S3 reads: host names, certificates, and libraries that resolve names.
    const NETWORK: [&str; 8] = ["/etc", "/usr/lib", "/usr/lib64", "/usr/share", "/lib", "/lib64", "/run", "/var/run"];
    /// Variables that name files of a client's credentials.
    const CREDENTIALS: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];

    pub(super) fn restrict_files(lake: Option<&Path>, spill: &Path) -> Result<String> {
        let status = try_restrict_files(lake, spill).or_err(Kind::Internal, || "Landlock")?;
        Ok(format!("{:?}", status.ruleset))
    }

    fn try_restrict_files(lake: Option<&Path>, spill: &Path) -> Result<landlock::RestrictionStatus, RulesetError> {
        let mut rules = Ruleset::default().handle_access(AccessFs::from_all(KNOWN))?.scope(Scope::from_all(KNOWN))?;
        let mut readable: Vec<PathBuf> = SYSTEM.iter().map(PathBuf::from).collect();
        match lake {
            Some(directory) => {
                rules = rules.handle_access(AccessNet::from_all(KNOWN))?;
                readable.push(directory.to_owned());
            }
            None => {
                readable.extend(NETWORK.iter().map(PathBuf::from));
                let files = CREDENTIALS.iter().filter_map(std::env::var_os).map(PathBuf::from);
                readable.extend(files.filter_map(|file| file.parent().map(Path::to_owned)));
            }
        }
        rules
            .create()?
            .add_rules(path_beneath_rules(&readable, AccessFs::ReadFile | AccessFs::ReadDir))?
            .add_rules(path_beneath_rules([spill], AccessFs::from_all(KNOWN) & !AccessFs::Execute))?
            // To remove that directory itself; others it could remove only where they are empty.
            .add_rules(path_beneath_rules(spill.parent(), AccessFs::RemoveDir))?
            .restrict_self()
    }

    /// Forbids starting other programs, and making sockets unless the lake is on the network.
    pub(super) fn restrict_calls(has_network: bool) -> Result<String> {
        let failed = || "seccomp";
        let mut refused = vec![
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
        ];
        if !has_network {
            refused.push(libc::SYS_socket);
        }
        let count = refused.len();
        let refused: BTreeMap<i64, Vec<_>> = refused.into_iter().map(|call| (call, Vec::new())).collect();
        let architecture = TargetArch::try_from(std::env::consts::ARCH).or_err(Kind::Internal, failed)?;
        let refusal = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        let filter = SeccompFilter::new(refused, SeccompAction::Allow, refusal, architecture);
        let program = BpfProgram::try_from(filter.or_err(Kind::Internal, failed)?).or_err(Kind::Internal, failed)?;
        seccompiler::apply_filter(&program).or_err(Kind::Internal, failed)?;
        Ok(format!("{count} system calls are refused"))
    }
}
