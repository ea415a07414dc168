//! Worked problems of scientific imaging, one a file: posed, solved by one compiled program each, shown.
//!
//! `cargo run --release --example problems -- NAME... [--quick] [--out FOLDER]`, without a name for a list of them, with
//! `all` for all. Every problem writes `NAME.png` and, where it iterates, `NAME.svg` with the course of its objective.
//! `--quick` takes small pictures and few steps, to see that everything works.

mod ct_3d_tv_padmm;
mod ct_abel_tv_admm;
mod ct_symcone_tv_padmm;
mod ct_tv_admm;
mod ct_tv_multi;
mod ct_weighted_tv_admm;
mod deconv_circ_tv_admm;
mod deconv_microscopy_tv_admm;
mod deconv_poisson_apgm;
mod deconv_tv_admm;
mod deconv_tv_padmm;
mod denoise_approx_tv_multi;
mod denoise_cplx_tv_nlpadmm;
mod denoise_cplx_tv_pdhg;
mod denoise_l1tv_admm;
mod denoise_polar_tv_pdhg;
mod denoise_tv_admm;
mod denoise_tv_apgm;
mod denoise_tv_multi;
mod lensless_tv_admm;
mod sparsecode_apgm;
mod sparsecode_conv_admm;
mod sparsecode_conv_md_admm;
mod sparsecode_nn_admm;
mod sparsecode_nn_apgm;
mod sparsecode_poisson_apgm;
mod study;
mod video_rpca_admm;

use cotangent::Result;
use study::{Arguments, Study};

/// Poses a problem, solves it and shows the solution.
type Problem = fn(&Study) -> Result<()>;

const PROBLEMS: [(&str, &str, Problem); 27] = [
    ("denoise_tv_admm", "isotropic and anisotropic total variation, ADMM", denoise_tv_admm::run),
    ("denoise_tv_multi", "total variation by four methods", denoise_tv_multi::run),
    ("denoise_tv_apgm", "total variation and limits of grey by the dual problem", denoise_tv_apgm::run),
    ("denoise_approx_tv_multi", "total variation with an approximate prox", denoise_approx_tv_multi::run),
    ("denoise_polar_tv_pdhg", "total variation in polar coordinates", denoise_polar_tv_pdhg::run),
    ("denoise_l1tv_admm", "impulse noise, l1 loss", denoise_l1tv_admm::run),
    ("denoise_cplx_tv_nlpadmm", "total variation of a magnitude, non-linear ADMM", denoise_cplx_tv_nlpadmm::run),
    ("denoise_cplx_tv_pdhg", "total variation of a magnitude, non-linear PDHG", denoise_cplx_tv_pdhg::run),
    ("deconv_circ_tv_admm", "circular blur, solved in the Fourier domain", deconv_circ_tv_admm::run),
    ("deconv_tv_admm", "blur, solved by conjugate gradients", deconv_tv_admm::run),
    ("deconv_tv_padmm", "blur, without systems of equations", deconv_tv_padmm::run),
    ("deconv_poisson_apgm", "blur and photon noise", deconv_poisson_apgm::run),
    ("deconv_microscopy_tv_admm", "blurred volume of several channels in one program", deconv_microscopy_tv_admm::run),
    ("sparsecode_apgm", "basis pursuit denoising", sparsecode_apgm::run),
    ("sparsecode_nn_admm", "non-negative basis pursuit, ADMM", sparsecode_nn_admm::run),
    ("sparsecode_nn_apgm", "non-negative basis pursuit, proximal average", sparsecode_nn_apgm::run),
    ("sparsecode_conv_admm", "convolutional sparse coding", sparsecode_conv_admm::run),
    ("sparsecode_conv_md_admm", "the same of a cut-out, mask decoupling", sparsecode_conv_md_admm::run),
    ("sparsecode_poisson_apgm", "photon noise, five step-size policies", sparsecode_poisson_apgm::run),
    ("ct_tv_admm", "tomography from few views, ADMM", ct_tv_admm::run),
    ("ct_weighted_tv_admm", "tomography at a low dose, weighted", ct_weighted_tv_admm::run),
    ("ct_tv_multi", "tomography by three methods", ct_tv_multi::run),
    ("ct_3d_tv_padmm", "tomography of a volume", ct_3d_tv_padmm::run),
    ("ct_abel_tv_admm", "inversion of an Abel transform", ct_abel_tv_admm::run),
    ("ct_symcone_tv_padmm", "a symmetric object in a cone beam", ct_symcone_tv_padmm::run),
    ("lensless_tv_admm", "a camera without a lens", lensless_tv_admm::run),
    ("video_rpca_admm", "what moves and what stays in a video", video_rpca_admm::run),
];

fn main() -> std::process::ExitCode {
    match solve_all() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn solve_all() -> std::result::Result<(), String> {
    let arguments = Arguments::of_process()?;
    if arguments.names.is_empty() {
        for (name, about, _) in PROBLEMS {
            println!("{name:<28} {about}");
        }
        return Ok(());
    }
    let all = arguments.names == ["all"];
    for name in arguments.names.iter().filter(|_| !all) {
        if PROBLEMS.iter().all(|(known, ..)| known != name) {
            return Err(format!("there is no problem `{name}`; without a name, all are listed"));
        }
    }
    for (name, _, run) in PROBLEMS {
        if all || arguments.names.iter().any(|wanted| wanted == name) {
            let study = Study::new(name, &arguments)?;
            run(&study).map_err(|error| format!("{name}: {error}"))?;
        }
    }
    Ok(())
}
