//! Signatures of the tag manifest: OpenSSH's own format (SSHSIG, PROTOCOL.sshsig of OpenSSH), with Ed25519 keys, so that
//! `ssh-keygen -Y verify` checks them without this program.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use super::bag::{DECLARATION, SIGNATURE, TAG_MANIFEST};
use super::write_file;

/// What the signature is for: one made for another purpose does not hold here.
pub const NAMESPACE: &str = "pixelwitness";

#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("failed to read the key `{}`: {error}", path.display())]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("`{}` is no OpenSSH key: {why}", .path.display())]
    NoKey { path: PathBuf, why: String },
    #[error("`{}` is a key of the kind {kind}, and bundles are signed with ssh-ed25519", .path.display())]
    OtherKind { path: PathBuf, kind: String },
    #[error("the key `{}` is encrypted, and no passphrase was given", .0.display())]
    NoPassphrase(PathBuf),
    #[error("that is not the passphrase of `{}`", .0.display())]
    WrongPassphrase(PathBuf),
    #[error("the agent did not sign with `{}`: {why}", .path.display())]
    Agent { path: PathBuf, why: String },
    #[error("failed to sign: {0}")]
    Failed(String),
    #[error("`{}` is no bundle", .0.display())]
    NoBundle(PathBuf),
    #[error("`{}` is signed already", .0.display())]
    Signed(PathBuf),
    #[error("`{}` is not sealed: its run was cut short", .0.display())]
    NotSealed(PathBuf),
    #[error("failed to write `{}`: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
}

impl SignError {
    pub fn help(&self) -> &'static str {
        match self {
            SignError::Unreadable { .. } => "name the private key's file, as `~/.ssh/id_ed25519`",
            SignError::NoKey { .. } | SignError::OtherKind { .. } => {
                "`ssh-keygen -t ed25519 -f evidence_key` makes one"
            }
            SignError::NoPassphrase(_) => {
                "run it on a terminal to be asked, or `ssh-add` the key and name its public half (`….pub`)"
            }
            SignError::WrongPassphrase(_) => "try again",
            SignError::Agent { .. } => {
                "`ssh-add` the key to the agent that SSH_AUTH_SOCK names; ssh-keygen (OpenSSH 8.2 or newer) is needed too"
            }
            SignError::Failed(_) | SignError::Write { .. } => {
                "nothing was signed; `pixelwitness sign` signs a bundle that is there"
            }
            SignError::NoBundle(_) => "a bundle is the folder that a run was written to",
            SignError::Signed(_) => "a second signature would hide the first; sign a copy of it",
            SignError::NotSealed(_) => {
                "`pixelwitness audit` completes it from what it had written; then it can be signed"
            }
        }
    }
}

/// Who signs. Made before anything runs: whoever asks for a signature and cannot have one learns it then.
#[derive(Debug)]
pub struct Signer {
    public: PublicKey,
    /// Nothing where an agent holds it: then the public half's file.
    key: Result<Box<PrivateKey>, PathBuf>,
}

impl Signer {
    /// Reads a key. `passphrase` is asked where it is encrypted, and may have none to give. A public key's file means
    /// that an agent holds the other half.
    ///
    /// # Errors
    /// [`SignError`], if it is no Ed25519 key, or cannot be used.
    pub fn open(
        path: &Path,
        passphrase: &mut dyn FnMut() -> Option<String>,
    ) -> Result<Signer, SignError> {
        let text = fs::read_to_string(path).map_err(|error| SignError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
        let no_key = |why: String| SignError::NoKey {
            path: path.to_owned(),
            why,
        };
        if text.trim_start().starts_with("ssh-") {
            let public: PublicKey = text
                .trim()
                .parse()
                .map_err(|error: ssh_key::Error| no_key(error.to_string()))?;
            let signer = Signer {
                public: of_kind(public, path)?,
                key: Err(path.to_owned()),
            };
            // An agent that cannot sign is found out now, and not when there is something to sign.
            signer.sign(b"")?;
            return Ok(signer);
        }
        let mut key = PrivateKey::from_openssh(&text).map_err(|error| no_key(error.to_string()))?;
        of_kind(key.public_key().clone(), path)?;
        if key.is_encrypted() {
            let passphrase =
                passphrase().ok_or_else(|| SignError::NoPassphrase(path.to_owned()))?;
            key = key
                .decrypt(passphrase)
                .map_err(|_| SignError::WrongPassphrase(path.to_owned()))?;
        }
        Ok(Signer {
            public: key.public_key().clone(),
            key: Ok(Box::new(key)),
        })
    }

    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.public.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Signs the tag manifest of a sealed bundle.
    ///
    /// # Errors
    /// [`SignError`], if it is signed or not sealed, or cannot be.
    pub fn sign_bundle(&self, root: &Path) -> Result<(), SignError> {
        let path = root.join(SIGNATURE);
        if !root.join(DECLARATION).is_file() {
            return Err(SignError::NoBundle(root.to_owned()));
        }
        if path.exists() {
            return Err(SignError::Signed(root.to_owned()));
        }
        let manifest = match fs::read(root.join(TAG_MANIFEST)) {
            Ok(manifest) => manifest,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SignError::NotSealed(root.to_owned()));
            }
            Err(error) => return Err(SignError::Unreadable { path, error }),
        };
        let signature = self.sign(&manifest)?;
        write_file(&path, |out| out.write_all(signature.as_bytes()))
            .map_err(|error| SignError::Write { path, error })
    }

    /// The signature of a message, in PEM.
    fn sign(&self, message: &[u8]) -> Result<String, SignError> {
        let key = match &self.key {
            Ok(key) => key,
            Err(public) => return by_agent(public, message),
        };
        let failed = |error: ssh_key::Error| SignError::Failed(error.to_string());
        let signature = key
            .sign(NAMESPACE, HashAlg::Sha512, message)
            .map_err(failed)?;
        signature.to_pem(LineEnding::LF).map_err(failed)
    }
}

fn of_kind(key: PublicKey, path: &Path) -> Result<PublicKey, SignError> {
    match key.algorithm() {
        Algorithm::Ed25519 => Ok(key),
        other => Err(SignError::OtherKind {
            path: path.to_owned(),
            kind: other.to_string(),
        }),
    }
}

/// OpenSSH's own program speaks with the agent.
fn by_agent(public: &Path, message: &[u8]) -> Result<String, SignError> {
    let failed = |why: String| SignError::Agent {
        path: public.to_owned(),
        why,
    };
    let arguments = ["-Y", "sign", "-n", NAMESPACE, "-f"];
    let mut command = Command::new("ssh-keygen");
    let output = feed(command.args(arguments).arg(public), message)
        .map_err(|error| failed(format!("ssh-keygen: {error}")))?;
    match String::from_utf8(output.stdout) {
        Ok(signature) if output.status.success() => Ok(signature),
        _ => Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

/// Whom a signature is by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedBy {
    /// `SHA256:…`
    pub fingerprint: String,
    /// As a line of an `authorized_keys` or `allowed_signers` file has it.
    pub key: String,
}

/// Whether a signature (PEM) is of that message, for this purpose, by the key that stands in it. Whose key that is, it
/// cannot say.
///
/// # Errors
/// Why it is not.
pub fn verify(signature: &[u8], message: &[u8]) -> Result<SignedBy, String> {
    let signature =
        SshSig::from_pem(signature).map_err(|error| format!("is no SSH signature: {error}"))?;
    let key = PublicKey::from(signature.public_key().clone());
    key.verify(NAMESPACE, message, &signature)
        .map_err(|_| match signature.namespace() {
            NAMESPACE => format!("does not sign this `{TAG_MANIFEST}`"),
            other => format!("was made for another purpose (`{other}`)"),
        })?;
    Ok(SignedBy {
        fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        key: key.to_openssh().unwrap_or_default(),
    })
}

/// Why something is not held to be by whom it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    /// It is not.
    Not(String),
    /// The program that can tell is not here.
    Unknown(String),
}

/// Whether the bundle's signature is by one of those whom a file in OpenSSH's `allowed_signers` format names: `signer`
/// where it is given, anyone in it otherwise. Gives who it is. OpenSSH's own program judges.
///
/// # Errors
/// Why it is not, or cannot be known.
pub fn is_allowed(root: &Path, allowed: &Path, signer: Option<&str>) -> Result<String, Judged> {
    let signature = root.join(SIGNATURE);
    let unknown = |error: io::Error| Judged::Unknown(error.to_string());
    let manifest = fs::read(root.join(TAG_MANIFEST)).map_err(unknown)?;
    let no_program = |error: io::Error| {
        Judged::Unknown(format!(
            "ssh-keygen, which can tell, cannot be run: {error}"
        ))
    };
    let who = match signer {
        Some(signer) => signer.to_owned(),
        None => {
            let mut command = Command::new("ssh-keygen");
            command.args(["-Y", "find-principals", "-f"]).arg(allowed);
            let output = feed(command.arg("-s").arg(&signature), b"").map_err(no_program)?;
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            let first = names.lines().next().and_then(|line| line.split(',').next());
            match first {
                Some(first) if output.status.success() => first.to_owned(),
                _ => {
                    return Err(Judged::Not(format!(
                        "is by none of those in `{}`",
                        allowed.display()
                    )));
                }
            }
        }
    };
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "verify", "-n", NAMESPACE, "-I", &who, "-f"]);
    command.arg(allowed).arg("-s").arg(&signature);
    let output = feed(&mut command, &manifest).map_err(no_program)?;
    if output.status.success() {
        return Ok(who);
    }
    let said =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).trim().to_owned());
    Err(Judged::Not(format!(
        "is not by `{who}` of `{}`: {}",
        allowed.display(),
        said.join(" ").trim()
    )))
}

/// Runs a program with something on its standard input.
fn feed(command: &mut Command, input: &[u8]) -> io::Result<std::process::Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends before it has read everything says why itself.
        let _ = stdin.write_all(input);
    }
    child.wait_with_output()
}
