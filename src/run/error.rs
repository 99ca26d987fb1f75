//! Why no run was made.

use crate::browser::BrowserError;
use crate::bundle::BundleError;
use crate::journey::IdentityError;
use crate::loopback::LoopbackError;

#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Browser(#[from] BrowserError),
    #[error("failed to make a sink for what must not leave: {0}")]
    Sink(#[from] LoopbackError),
    #[error("failed to write the records to their end: {0}")]
    Finish(String),
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error("the scenario types `{{{{env:{0}}}}}`, and {0} is not set, or empty")]
    NoSecret(String),
    #[error(
        "the value of {0} is shorter than {1} bytes, and could not be told from what is no secret"
    )]
    ShortSecret(String, usize),
}

impl RunError {
    pub fn help(&self) -> String {
        match self {
            RunError::Bundle(error) => error.help().to_owned(),
            RunError::Browser(error) => error.help(),
            RunError::Sink(_) => "may this process listen on 127.0.0.1?".to_owned(),
            RunError::ShortSecret(..) => {
                "use an account whose password is longer; nothing was run".to_owned()
            }
            RunError::NoSecret(name) => {
                format!("set it for this command: `{name}=… pixelwitness run …`")
            }
            RunError::Finish(_) => {
                "what was captured is in the bundle: `pixelwitness audit` completes it".to_owned()
            }
            RunError::Identity(_) => {
                "export the cookies again, as `cookies.txt` or as JSON".to_owned()
            }
        }
    }
}
