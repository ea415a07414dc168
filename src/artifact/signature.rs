//! Signatures: who vouches for a kernel file.
//!
//! Ed25519 (RFC 8032) over the whole file, with zeros in place of the signature and of the checksum, which covers the
//! signature in turn.

use super::error::LoadError;
use super::object_file::{Parts, parse};
use super::prelude::{Signed, seal, signed_bytes};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// A public key whose owner is trusted with what runs in this process.
#[derive(Clone, Debug)]
pub struct TrustedKey(VerifyingKey);

impl TrustedKey {
    /// A key by its 32 bytes.
    ///
    /// # Safety
    ///
    /// Files that are signed with it are loaded and run by [`Kernel::load_signed`](super::Kernel::load_signed). The caller
    /// promises that whoever has the private key signs only files that this library has written, or may do in this process
    /// what they like.
    ///
    /// # Errors
    /// Bytes that are no public key, or one for which signatures could be forged.
    pub unsafe fn new(bytes: &[u8; 32]) -> Result<TrustedKey, LoadError> {
        match VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(TrustedKey(key)),
            _ => Err(LoadError::UntrustedKey(hexadecimal(bytes))),
        }
    }
}

/// Signs the bytes of a kernel file with the 32 bytes of a private key, in place of an earlier signature.
///
/// ```
/// # #[cfg(feature = "compiler")] {
/// use cotangent::artifact::{Kernel, KernelBuilder, KernelSource, TrustedKey, public_key, sign};
/// use cotangent::{Array, jit};
/// let traced = jit(|x: Array| x * 2.0).traced(&Array::from(1.0f32))?;
/// let mut file = KernelBuilder::new("example").function(KernelSource::traced("twice", &traced)?).build()?;
/// let private_key = [7; 32]; // of a random number generator, kept in a safe place
/// sign(&mut file, &private_key)?;
///
/// let folder = tempfile::tempdir().unwrap();
/// let path = folder.path().join("example.cot");
/// std::fs::write(&path, &file).unwrap();
/// // SAFETY: the key is our own, and signed what was compiled above.
/// let ours = unsafe { TrustedKey::new(&public_key(&private_key)) }?;
/// assert!(Kernel::load_signed(&path, &[ours]).is_ok());
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Bytes that are no kernel file.
pub fn sign(file: &mut [u8], private_key: &[u8; 32]) -> Result<(), LoadError> {
    let header_len = parse(file)?.header_len;
    let key = SigningKey::from_bytes(private_key);
    let unsigned = Signed { key: key.verifying_key().to_bytes(), signature: [0; 64] };
    seal(file, header_len, Some(unsigned.clone()));
    let signature = key.sign(&signed_bytes(file)).to_bytes();
    seal(file, header_len, Some(Signed { signature, ..unsigned }));
    Ok(())
}

/// The public key of a private one.
pub fn public_key(private_key: &[u8; 32]) -> [u8; 32] {
    SigningKey::from_bytes(private_key).verifying_key().to_bytes()
}

/// Checks that one of the keys has signed the file.
pub(super) fn check(file: &[u8], parts: &Parts, keys: &[TrustedKey]) -> Result<(), LoadError> {
    let signed = parts.signed.as_ref().ok_or(LoadError::Unsigned)?;
    let key = keys.iter().find(|key| key.0.as_bytes() == &signed.key);
    let key = key.ok_or_else(|| LoadError::UntrustedKey(hexadecimal(&signed.key)))?;
    let signature = Signature::from_bytes(&signed.signature);
    key.0.verify_strict(&signed_bytes(file), &signature).map_err(|_| LoadError::BadSignature)
}

/// Bytes as hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
