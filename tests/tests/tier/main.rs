//! The tier `landlock`: what it claims to hold, it holds; what it does not, it says.
//!
//! Every run of this suite is made where no user namespace can be had, with `--tier landlock`. The files of
//! attacks are those of the suite `escapes` as far as they ask for no answer that only namespaces give; what
//! they leave out is in `held.rs`.

#[path = "../escapes/attack.rs"]
mod attack;
mod copies;
mod held;
#[path = "../escapes/marked.rs"]
mod marked;
#[path = "../escapes/p_c4.rs"]
mod p_c4;
#[path = "../escapes/p_e1.rs"]
mod p_e1;
#[path = "../escapes/p_e4.rs"]
mod p_e4;
#[path = "../escapes/p_f8.rs"]
mod p_f8;
#[path = "../escapes/p_h1.rs"]
mod p_h1;
#[path = "../escapes/p_i2.rs"]
mod p_i2;
#[path = "../escapes/p_l5.rs"]
mod p_l5;
#[path = "../escapes/p_l6.rs"]
mod p_l6;
#[path = "../escapes/p_l7.rs"]
mod p_l7;
#[path = "../escapes/p_n2.rs"]
mod p_n2;
#[path = "../escapes/p_n3.rs"]
mod p_n3;
#[path = "../escapes/p_n4.rs"]
mod p_n4;
#[path = "../escapes/p_p3.rs"]
mod p_p3;
#[path = "../escapes/p_p4.rs"]
mod p_p4;
#[path = "../escapes/p_s2.rs"]
mod p_s2;
#[path = "../escapes/p_s4.rs"]
mod p_s4;
#[path = "../escapes/p_s5.rs"]
mod p_s5;
#[path = "../escapes/p_s7.rs"]
mod p_s7;
#[path = "../escapes/p_t2.rs"]
mod p_t2;
mod told;
