//! `pixelwitness sign`, and `--sign` of the commands that make bundles.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use super::{exit, talk};
use crate::bundle::bag::{SIGNATURE, TAG_MANIFEST};
use crate::bundle::sign::{SignError, Signer, verify};

#[derive(Debug, Args)]
#[command(after_help = "\
The signature is OpenSSH's, over the tag manifest, which stands for every file; it is written
beside it, as tagmanifest-sha256.txt.sig. Others check it with ssh-keygen and your public key;
VERIFY.md in the bundle says how.

  ssh-keygen -t ed25519 -f evidence_key            # once; give others evidence_key.pub
  pixelwitness sign evidence/report-20261124T090000Z --key evidence_key
  pixelwitness sign evidence/… --key evidence_key.pub     # an agent holds the other half

Verify a bundle before you sign it: your signature says that it is as you made it, or got it.

Exit codes: 0 signed; 2 the key cannot be used, or the bundle is signed already or not complete; 3
it cannot be written.")]
pub struct SignArgs {
    /// The folders that runs were written to
    #[arg(value_name = "BUNDLE", required = true, value_hint = ValueHint::DirPath)]
    bundles: Vec<PathBuf>,
    /// An OpenSSH private key (Ed25519), or the public key of one that an agent holds
    #[arg(long, value_name = "KEY", value_hint = ValueHint::FilePath)]
    key: PathBuf,
}

pub fn sign(args: &SignArgs) -> u8 {
    let signer = match open(&args.key) {
        Ok(signer) => signer,
        Err(code) => return code,
    };
    let codes = args
        .bundles
        .iter()
        .map(|bundle| sign_bundle(&signer, bundle));
    codes.fold(exit::OK, exit::graver)
}

/// Says what is wrong with a key, before anything else is done; gives the exit code.
pub fn open(key: &Path) -> Result<Signer, u8> {
    let mut ask = || talk::passphrase(&format!("Passphrase of {}: ", key.display()));
    Signer::open(key, &mut ask).map_err(|error| {
        talk::error(&error.to_string(), Some(error.help()));
        exit::BAD_INPUT
    })
}

/// Whose key a bundle is signed with, if it is.
pub fn signer_of(bundle: &Path) -> Option<String> {
    let read = |name: &str| std::fs::read(bundle.join(name)).ok();
    let manifest = read(TAG_MANIFEST)?;
    let signature = read(SIGNATURE)?;
    let signed = verify(&signature, &manifest).ok()?;
    Some(signed.fingerprint)
}

/// Signs one bundle, and says so. Gives the exit code.
pub fn sign_bundle(signer: &Signer, bundle: &Path) -> u8 {
    match signer.sign_bundle(bundle) {
        Ok(()) => {
            talk::note(&format!(
                "{} is signed with the key {}",
                bundle.display(),
                signer.fingerprint()
            ));
            exit::OK
        }
        Err(error) => {
            talk::error(&error.to_string(), Some(error.help()));
            match error {
                SignError::NoBundle(_) | SignError::Signed(_) | SignError::NotSealed(_) => {
                    exit::BAD_INPUT
                }
                _ => exit::INCONCLUSIVE,
            }
        }
    }
}
