"""What other systems call the flags, values and commands of this one.

From the help of J. Johnson's neural-style (Torch), its port neural-style-pt, K.
Crowson's style_transfer (Caffe) and style-transfer-pytorch, A. Athalye's neural-style,
C. Smith's neural-style-tf, S. Titu's Neural-Style-Transfer, F. Liu's style-transfer, A.
Gordić's pytorch-neural-style-transfer, pastiche, L. Engstrom's fast-style-transfer; and
from the tutorials of PyTorch, Keras and TensorFlow. Names of flags are written as
`plain` makes them.
"""

from collections.abc import Mapping
from types import MappingProxyType

_FLAGS = {
    "PHOTO --contents": "content content_image content_img content_img_name "
    "content_path content_file contents base_image base_image_path input input_image "
    "in_path photo c ci",
    "PAINTING --styles": "style style_image style_images style_img style_imgs "
    "style_img_name style_path style_file styles style_reference_image "
    "style_reference_image_path painting paintings si",
    "--output --output_dir": "output output_dir output_image output_img output_path "
    "output_file out out_path out_img outfile result result_prefix save_path oi o",
    "--output_dir": "output_folder out_dir outdir img_output_dir workspace",
    "--steps": "num_iterations num_iters num_iter iterations iters iter niter n_iter "
    "max_iter max_iterations initial_iterations epochs num_epochs n_epochs num_steps "
    "nsteps n_steps optim_steps steps_per_epoch ni i n",
    "--size": "image_size img_size imsize imsz max_size max_dim end_scale length "
    "height width resolution img_height img_nrows size_pixels",
    "--network": "model model_name model_type model_file model_weights model_path "
    "proto_file cnn net vgg vgg_path vgg_weights weights m",
    "--content_weight": "content_loss_weight cw alpha",
    "--style_weight": "style_loss_weight sw beta",
    "--tv_weight": "tv total_variation total_variation_weight tv_loss_weight "
    "variation_weight smoothness tw",
    "--tv": "tv_power tv_loss",
    "--edge_weight": "content_lapweight lap_weight lap_weights laplacian_weight",
    "--edge_pools": "lap_layers laplacian_pool_size",
    "--content_taps": "content_layer content_layers content_feature_maps_index",
    "--style_taps": "style_layer style_layers style_feature_maps_indices",
    "--content_tap_weights": "content_layer_weights content_weights",
    "--style_tap_weights": "style_layer_weights layer_weights",
    "--style_tap_decay": "style_layer_weight_exp",
    "--style_blend": "style_blend_weights style_blending style_imgs_weights "
    "style_interpolation_weights blend",
    "--style_scale": "style_scales style_size style_scale_fac style_scale_up",
    "--style_turns": "no_flip flip_aug rotations",
    "--color": "original_colors original_color preserve_color preserve_colors colors "
    "colour colours keep_colors color_mode color_convert_type",
    "--init": "init_image init_method init_img init_img_type initial initial_image "
    "start ii",
    "--seed": "random_seed manual_seed rng_seed r",
    "--pooling": "pool pool_type pooling_type",
    "--border": "padding padding_mode pad pad_mode",
    "--bits": "bit_depth depth",
    "--transparency": "keep_alpha preserve_alpha alpha_channel",
    "--precision": "dtype fp16 half bf16 amp",
    "--solver": "optimizer optimiser optim opt",
    "--learning_rate": "lr step_size rate eta st ss",
    "--learning_rate_decay": "lr_decay step_decay decay scheduler",
    "--history": "lbfgs_num_correction num_correction history_size lbfgs_history "
    "maxcor memory",
    "--adam_epsilon": "epsilon eps",
    "--content_loss": "content_loss_function content_loss_type",
    "--pyramid": "min_scale min_size scales n_scales num_scales multires multiscale "
    "coarse_to_fine ms",
    "--print_every": "print_iter print_iterations print_freq log_interval log_every "
    "verbose v",
    "--snapshot_every": "save_iter save_every saving_freq save_interval "
    "checkpoint_iterations checkpoint_interval checkpoint_every",
    "--trace": "log log_file logdir loss_log csv",
    "--resume": "continue resume_from resume_from_checkpoint checkpoint restart",
    "--lanes": "batch_size bs batch jobs parallel",
    "--name": "name_template filename pattern",
    "--compilation_cache_dir": "cache cache_dir",
    "--mask": "masks style_masks style_mask_imgs mask_path region_mask",
    "--content_mask": "content_seg content_masks content_mask_img content_regions "
    "semantic_content",
    "--style_mask": "style_seg style_mask_path style_regions style_segmentation",
    "--config": "flagfile config_file cfg yaml settings",
    "--help": "helpfull helpshort usage",
}

_TOLD = {
    "the environment says where to compute: JAX_PLATFORMS=cpu, cuda or tpu": "gpu "
    "gpu_id gpus cpu cuda device backend use_gpu no_cuda cudnn_autotune "
    "multigpu_strategy multidevice_strategy",
    "--style_blend has the shares of paintings, --style_tap_weights the factors of "
    "taps": "style_weights",
    "there is no normalising of gradients here": "normalize_gradients "
    "normalize_weights",
    "one number says it: --style_weight, against --content_weight=1": "ratio",
}

_VALUES: Mapping[str, Mapping[str, str]] = {
    "pooling": {"average": "avg", "ave": "avg", "mean": "avg", "maximum": "max"},
    "precision": {
        **dict.fromkeys(("fp16", "f16", "float16", "half", "mixed"), "bfloat16"),
        **dict.fromkeys(("fp32", "f32", "full", "single", "float"), "float32"),
    },
    "color": {
        **dict.fromkeys(("photo", "content", "original", "keep"), "luminance"),
        **dict.fromkeys(("1", "true", "yes", "luma", "yuv", "ycbcr"), "luminance"),
        **dict.fromkeys(("0", "false", "no", "none", "painting"), "style"),
    },
    "init": {
        **dict.fromkeys(("image", "photo", "input", "target"), "content"),
        **dict.fromkeys(("random", "rand", "uniform", "white"), "noise"),
        **dict.fromkeys(("normal", "randn"), "gaussian"),
        **dict.fromkeys(("gray", "grey"), "mean"),
        "painting": "style",
    },
    "gram": {"gatys": "paper", "torch": "chw", "pytorch": "chw"},
    "content_loss": {"mse": "mean"},
    "learning_rate_decay": {"constant": "none", "off": "none"},
}

_COMMANDS = {
    "stylize": "style styl stylise transfer run paint generate neural_style",
    "batch": "many grid folder sweep stylize_batch",
    "presets": "preset list_presets",
    "nst-weights": "weights",
    **{f"nst-weights {one}": one for one in ("fetch", "convert", "taps", "verify")},
    **{f"nst-weights {one}": one for one in ("list", "normalize")},
}


def _turned(names: Mapping[str, str]) -> Mapping[str, str]:
    """`{"--steps": "epochs iters"}` -> `{"epochs": "--steps", "iters": "--steps"}`."""
    pairs = ((theirs, ours) for ours, of in names.items() for theirs in of.split())
    return MappingProxyType(dict(pairs))


FLAGS = _turned(_FLAGS)
"""By their names: what is the equal here, of which a command may have the first or
another."""

TOLD = _turned(_TOLD)
"""By their names: a sentence, where no flag is."""

COMMANDS = _turned(_COMMANDS)


def values(option: str) -> Mapping[str, str]:
    """Values of an option by their names, in small letters."""
    return _VALUES.get(option, {})
