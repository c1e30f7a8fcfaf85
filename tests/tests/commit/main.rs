//! What a commit keeps off the project: one file a promise.

mod hands;
mod p_m1;
mod p_m2;
mod p_m3;
mod p_m4;
mod p_m5;
mod p_m6;
mod p_m7;
mod p_m8;
mod p_m9;
mod random;
mod runs;
mod tampered;
