"""Which tests hold the claims of README, findings and paper up: a fragment of each sentence, and what would show it false.

A sentence with the word *proved*, *verified*, *exact* or *the same* is listed in ``CLAIMS`` under a distinctive fragment of
itself, or in ``NO_CLAIMS`` with the reason why nothing needs to be shown. The rows of the table of theorems are records, each
of which has its proof or its witness; ``THEOREMS`` names the further tests behind them. A test's name without a path is one
of ``tests/theory``.
"""

PROOFS = "test_proofs.py::test_every_identity_vanishes"
UPPER = (
    "test_certificates.py::test_diameter_form_is_an_upper_bound",
    "test_worst_case.py::test_recursion_is_the_theorem",
)
DISTANCE = (
    "test_certificates.py::test_distance_form_is_exact_for_random_steps",
    "test_certificates.py::test_distance_form_is_exact",
)
ATTAINED = ("test_worst_function.py::test_the_bound_is_attained_for_any_steps",)
DOMAIN = (
    "test_law_attained.py::test_a_run_loses_what_the_law_says",
    "test_law_attained.py::test_longer_runs_stay_on_the_domain",
)
TIED = (
    "test_certificates.py::test_tied_restarts_keep_a_gap",
    "test_certificates.py::test_the_gap_of_tied_restarts_does_not_shrink_with_the_horizon",
)
TABLE = ("tests/figures/test_figures.py::test_the_bound_is_tight_and_the_published_one_twice_as_large",)
LIMIT = (
    "test_misspecification.py::test_the_law_is_the_limit_of_the_exact_worst_case",
    "test_misspecification.py::test_the_law_of_polynomials_is_derived",
)
FIXED = (
    "test_bounds.py::test_fixed_steps_are_linear_in_rho",
    "test_bounds.py::test_lower_bound_is_below_the_worst_case",
)
AVERAGE = (
    "test_bounds.py::test_an_average_forgives_nothing_whatever_the_schedule",
    "test_averages.py::test_the_function_of_the_lower_bound",
)
UNIFORM = ("test_averages.py::test_an_inverse_square_root_has_no_logarithm_in_its_uniform_average",)
SMOOTH = (
    "test_bounds.py::test_smooth_recursion_is_the_theorem",
    "test_bounds.py::test_no_projected_step_costs_more_than_the_worst_instance",
    "test_bounds.py::test_smooth_bound_holds_on_quadratics",
)
SMOOTH_GROWTH = ("test_certificates.py::test_smooth_bound_and_its_exponent",)
SMOOTH_BELOW = (
    "test_averages.py::test_the_smooth_lower_bound_is_run_and_stays_below_the_upper_one",
    "test_averages.py::test_the_noiseless_exponent_is_attained",
    "test_certificates.py::test_the_smooth_lower_bound_is_below_the_program",
)
ANY_AVERAGE = (
    "test_averages.py::test_the_bound_of_an_average_is_the_theorem",
    "test_averages.py::test_the_function_of_the_lower_bound",
    "test_averages.py::test_the_last_iterate_is_an_average",
    "test_certificates.py::test_the_program_of_an_average_lies_between_its_bounds",
    "test_certificates.py::test_the_bound_of_an_average_is_exact_where_weights_do_not_fall",
)
HEAVY_BALL = (
    "test_heavy_ball.py::test_the_bound_of_heavy_ball_is_the_theorem",
    "test_heavy_ball.py::test_the_worst_function_of_plain_sgd_is_as_bad_for_momentum",
    "test_certificates.py::test_the_program_of_heavy_ball_lies_between_its_bounds",
)
LONG_MOMENTUM = ("test_heavy_ball.py::test_a_constant_momentum_forgives_what_the_schedule_forgives",)
ADAGRAD = (
    "test_averages.py::test_adagrad_keeps_its_promise_at_any_guess",
    "test_robust_schedule.py::test_adagrad_norm_keeps_its_promise_whatever_the_gradients_are",
)
ONE_STEP = (
    "test_averages.py::test_one_step_is_below_the_restarts_and_equal_where_it_says",
    "test_certificates.py::test_one_step_is_exact",
)
MIXED = (
    "test_certificates.py::test_two_restarts_at_once_are_exact_for_two_tied_steps",
    "test_certificates.py::test_two_restarts_at_once_are_an_upper_bound",
)
NOTE = (
    "test_implicit_penalty.py::test_equation_seven_is_wrong_as_printed",
    "test_averages.py::test_the_implicit_step_prefers_steep_places",
)
PUBLISHED = ("test_bounds.py::test_published_bound_is_twice_as_large", "test_worst_case.py::test_order_of_the_bounds")
ROBUST = (
    "test_robust_schedule.py::test_the_bound_is_attained",
    "test_robust_schedule.py::test_the_whole_uncertainty_is_served",
)
ROBUST_FINITE = (
    "test_robust_schedule.py::test_the_promise_at_finite_horizons",
    "test_robust_schedule.py::test_the_search_finds_nothing_lower",
    "test_robust_schedule.py::test_no_schedule_of_the_registry_forgives_as_much",
)
ADAPTIVE = (
    "test_robust_schedule.py::test_adagrad_norm_keeps_its_promise_whatever_the_gradients_are",
    "test_robust_schedule.py::test_steps_that_look_at_the_gradients_promise_more_from_68_on",
)
GRID = ("test_grid_planning.py::test_the_law_keeps_the_promise", "test_grid_planning.py::test_a_coarser_grid_breaks_it")
PENALTY = (
    "test_implicit_penalty.py::test_one_step_of_the_flow_is_one_step_of_the_method",
    "test_implicit_penalty.py::test_only_the_first_correction_is_a_gradient_for_a_generic_loss",
)
PENALTY_ORDER = ("test_implicit_penalty.py::test_gradient_descent_follows_the_truncation_to_its_order",)
RULES = (
    "test_optimizer_penalty.py::test_heavy_ball_derivation_vanishes_for_a_generic_loss",
    "test_optimizer_penalty.py::test_minibatch_derivation_vanishes_for_generic_losses",
    "test_optimizer_penalty.py::test_adam_derivation_vanishes_for_a_generic_loss",
)
RULES_ORDER = (
    "test_optimizer_penalty.py::test_heavy_ball_follows_the_truncation_to_its_order",
    "test_optimizer_penalty.py::test_one_epoch_over_all_orders_of_the_batches",
    "test_optimizer_penalty.py::test_adam_follows_the_corrected_flow_to_order_two",
)
NOISE = (
    "tests/forecast/test_running_noise.py::test_the_bounds_of_the_theorem_hold_in_the_complex_plane",
    "tests/forecast/test_running_noise.py::test_the_ellipse_of_the_theorem_lies_in_the_domain_and_gives_the_stated_bound",
)
ANY_BIAS = (
    "tests/forecast/test_linear_decay.py::test_every_identity_of_the_proof_vanishes",
    "tests/forecast/test_linear_decay.py::test_no_steps_are_less_noisy_than_linear_decay_of_the_same_sum",
    "tests/forecast/test_linear_decay.py::test_linear_decay_attains_it",
    "tests/forecast/test_linear_decay.py::test_steps_near_linear_decay_are_worse_and_the_more_so_the_further",
)
MADE = ("tests/test_paper.py::test_what_is_generated_is_fresh",)

AVERAGES_TABLE = (
    "tests/sweeps/test_averages.py::test_no_bound_is_on_the_wrong_side_of_a_program",
    "tests/sweeps/test_averages.py::test_rows_computed_again",
    *MADE,
)

THEOREMS = {
    "worst_case": UPPER,
    "worst_function": (*ATTAINED, *DISTANCE, *TABLE),
    "law_attained": (*DOMAIN, *TIED, *TABLE),
    "misspecification": (*LIMIT, *DOMAIN),
    "one_step": ONE_STEP,
    "mixed_restarts": MIXED,
    "fixed_step_lower_bound": FIXED,
    "any_average": ANY_AVERAGE,
    "averaged": (*AVERAGE, *UNIFORM),
    "heavy_ball": (*HEAVY_BALL, *LONG_MOMENTUM),
    "adaptive": ADAGRAD,
    "smooth": (*SMOOTH, *SMOOTH_GROWTH),
    "smooth_lower_bound": SMOOTH_BELOW,
    "cliff": ("test_cliff.py",),
    "momentum_edge": ("test_cliff.py",),
    "warmup_edge": ("test_cliff.py",),
    "batch_size": ("test_batch_size.py",),
    "published_bound": PUBLISHED,
    "robust_schedule": (*ROBUST, *ROBUST_FINITE),
    "optimal_schedule": (
        "test_optimal_schedule.py::test_no_other_steps_have_a_smaller_bound",
        "test_optimal_schedule.py::test_constant_norms_are_the_worst_case",
    ),
    "step_search": ("test_robust_schedule.py::test_the_gradient_is_that_of_differences",),
    "grid_planning": (*GRID, "test_grid_planning.py::test_the_exact_worst_case_keeps_the_promise"),
    "modified_equation": PENALTY_ORDER,
    "implicit_penalty": (*PENALTY, *PENALTY_ORDER),
    "gradient_corrections": PENALTY,
    "quadratic": ("test_implicit_penalty.py",),
    "momentum_penalty": (*RULES, *RULES_ORDER),
    "minibatch_penalty": (*RULES, *RULES_ORDER),
    "adam_penalty": (*RULES, *RULES_ORDER),
    "schedule_penalty": ("test_schedule_penalty.py",),
    "equation_seven": ("test_implicit_penalty.py::test_equation_seven_is_wrong_as_printed",),
    "implicit_euler": NOTE,
    "gradient_flow": NOTE,
    "running_noise": NOISE,
    "linear_decay": ANY_BIAS,
    "misspecified": ("tests/forecast/test_linear_decay.py",),
    "extension": (
        "tests/forecast/test_users.py::test_the_second_stage_is_the_best_of_its_kind_and_its_price_is_the_worst_case",
        "tests/forecast/test_users.py::test_no_other_second_stage_is_better",
    ),
    "equivalent_rate": ("tests/forecast/test_leaderboard.py::test_best_rates",),
}

CLAIMS = {
    # README
    "which is proved for *any* step sizes": (*DISTANCE, *ATTAINED, *UPPER, *DOMAIN),
    "exact after a resume": ("tests/optim/test_scheduler.py::test_resume_is_exact_in_either_order",),
    "(proved in the limit of the bound,": (PROOFS, *ROBUST),
    "AdaGrad-norm guarantees": ADAPTIVE,
    "with exact coefficients": (*PENALTY, *RULES),
    "runs the same cells on a cluster": ("tests/runs/test_cluster.py",),
    "theorems, among them the worst case for any steps": (PROOFS,),
    "a table that is computed again is the same byte for byte": (
        "tests/faults/test_killed.py",
        "tests/sweeps/test_committed_tables.py",
        "tests/test_threads.py::test_a_sweep_is_the_same_whatever_the_number_of_threads",
    ),
    "A table that is computed again is the same byte for byte": (
        "tests/sweeps/test_committed_tables.py",
        "tests/test_threads.py::test_a_sweep_is_the_same_whatever_the_number_of_threads",
    ),
    # The paper
    "prop:limit}\\proved": LIMIT,
    "with equality exactly for linear decay": ("test_worst_case.py::test_linear_decay_is_optimal_over_all_methods",),
    "thm:law}\\proved": ("test_misspecification.py::test_the_law_of_polynomials_is_derived",),
    "thm:domain}\\proved": (PROOFS, *DOMAIN),
    "on which exact subgradients leave": DOMAIN,
    "(values computed from \\eqref{eq:functionals})": (
        "test_misspecification.py::test_numeric_law_is_the_derived_one",
        *MADE,
    ),
    "thm:lower}\\proved": FIXED,
    "the law \\proved, the worst case at": (*LIMIT, *UPPER),
    "for annealed schedules they agree to": (
        "test_misspecification.py::test_exponents_at_a_hundred_thousand_steps",
        *MADE,
    ),
    "prop:average}\\proved": AVERAGE,
    "A uniform average has no logarithm": UNIFORM,
    "On a domain the bound is exact in the limit for polynomial decay, cosine and WSD": (*DOMAIN, *TIED),
    "\\label{tab:attained}": (*DOMAIN, *MADE),
    "thm:anyaverage}\\proved": (PROOFS, *ANY_AVERAGE),
    "no average has a smaller bound than the last iterate": (PROOFS,),
    "some function makes it lose at least the exact worst case": HEAVY_BALL,
    "How many times too large the asked value may be": (*HEAVY_BALL, *AVERAGES_TABLE),
    "prop:mixed}\\proved": (PROOFS, *MIXED),
    "the value of the programs to six digits": MIXED,
    "thm:heavyball}\\proved": (PROOFS, *HEAVY_BALL),
    "the bounds of heavy ball meet": LONG_MOMENTUM,
    "thm:adaptive}\\proved": (PROOFS, *ADAGRAD),
    "\\label{tab:averages}": AVERAGES_TABLE,
    "steps the upper bounds lie above by": AVERAGES_TABLE,
    "What methods forgive: upper bounds on a domain": AVERAGES_TABLE,
    "prop:onestep}\\proved": (PROOFS, *ONE_STEP),
    "the restart bound is at most \\val{onestep/excess}": (
        "test_averages.py::test_the_restart_bound_of_one_step_is_at_most_as_far_off_as_it_says",
    ),
    "prop:implicit}\\proved": (PROOFS, *NOTE),
    "prop:flow}\\proved": (PROOFS,),
    "thm:smoothlower}\\proved": (PROOFS, *SMOOTH_BELOW),
    "exact gradients of some convex $\\beta$-smooth function": SMOOTH_BELOW,
    "the swings last until": SMOOTH_BELOW,
    "The coefficients are rational, solve": PENALTY,
    "prop:penalty}\\proved": (
        *PENALTY,
        "test_implicit_penalty.py::test_the_curl_is_the_commutator_of_the_hessian_with_its_rate",
    ),
    "the corrected one by $O(\\eta^3)$ \\proved": (
        "test_implicit_penalty.py::test_equation_seven_is_wrong_as_printed",
        "test_implicit_penalty.py::test_the_printed_flow_has_order_one_and_the_corrected_flow_order_two",
    ),
    "\\paragraph{Other rules.} The same series": RULES,
    "Each is \\proved{} by identities": (*RULES, *RULES_ORDER),
    "Robustness and the penalty are no opposites": (
        "test_schedule_penalty.py::test_robustness_and_the_penalty_are_no_opposites",
        "test_schedule_penalty.py::test_the_trade_of_polynomial_decay_is_a_line",
    ),
    "\\label{fig:orders}": ("tests/figures/test_figures.py::test_errors_fall_with_slopes_one_to_four",),
    "prop:grid}\\proved": GRID,
    "\\label{tab:plan}": (*GRID, *MADE),
    "\\label{fig:grid}": GRID,
    "twice to the same bytes": ("tests/test_paper.py::test_it_builds_cleanly_and_to_the_same_bytes",),
    "\\label{tab:modules}": (PROOFS,),
    "thm:robust}\\proved": (PROOFS, *ROBUST),
    "there the last step of the proof below": ("test_robust_schedule.py::test_the_whole_uncertainty_is_served",),
    "the gains add up to the same": (PROOFS,),
    "A simpler form without head and join": (
        PROOFS,
        "test_robust_schedule.py::test_no_schedule_of_the_registry_forgives_as_much",
    ),
    "\\label{tab:robust}": (*ROBUST, *ROBUST_FINITE, *MADE),
    "for three of them finds": (*ROBUST_FINITE, *MADE),
    "guarantee $\\sqrt2\\,DG/\\sqrt T$ for the uniform average": ADAPTIVE,
    "\\label{fig:robust}": ROBUST_FINITE,
    "placed at the upper end, stays within": ("test_robust_schedule.py::test_one_run_serves_a_range_of_rates",),
    "the tuned rate varies by $\\sqrt q$": (
        "test_robust_schedule.py::test_one_rate_serves_horizons_known_to_a_factor",
    ),
    "simulated losses differ from propagated ones": MADE,
    "thm:smooth}\\proved": (PROOFS, *SMOOTH),
    "thm:cliff}\\proved": (PROOFS, "test_cliff.py"),
    "thm:cliff-quadratic}\\proved": (PROOFS, "test_cliff.py"),
    "thm:no-return}\\proved": (PROOFS, "test_cliff.py"),
    "thm:batch-sign}\\proved": (PROOFS, "test_batch_size.py"),
    "thm:batch-powers}\\proved": (PROOFS, "test_batch_size.py"),
    "thm:batch-edge}\\proved": (PROOFS, "test_batch_size.py"),
    "from exact second moments \\verified": (
        "test_batch_size.py::test_moments_of_least_squares_are_those_of_batches",
        "test_batch_size.py::test_noise_of_batches_turns_the_sign_at_small_ones_and_the_other_way_round",
        *MADE,
    ),
    "Constants \\verified{} to the digits shown": ("test_cliff.py",),
    "eq:smoothlaw": ("test_bounds.py::test_smooth_exponents_are_reached",),
    "Noiseless worst cases by semidefinite programming": SMOOTH_GROWTH,
    "thm:worst}\\proved": (PROOFS, *UPPER),
    "takes exactly the values in": ("test_worst_case.py::test_recursion_is_the_theorem",),
    "cor:steps}\\proved": (
        PROOFS,
        "test_optimal_schedule.py::test_no_other_steps_have_a_smaller_bound",
        "test_optimal_schedule.py::test_constant_norms_are_the_worst_case",
    ),
    "cor:distance}\\proved": ("test_worst_case.py::test_without_a_domain_no_schedule_forgives",),
    "thm:attained}\\proved": (PROOFS, *ATTAINED),
    "is run as a test for random steps": ATTAINED,
    "less than the solver's error \\verified": TABLE,
    "above the programs \\verified": TABLE,
    "Where all restarts tie it lies": TIED,
    "is exact always, \\eqref{eq:diameter} is an upper bound always": (*DISTANCE, *ATTAINED, *UPPER, *DOMAIN),
    "With a known distance the bound and the programs coincide": TABLE,
    "Right: the published bound over ours": (*PUBLISHED, *TABLE),
    "is never below \\eqref{eq:distance} \\verified": PUBLISHED,
    "With $w_k=1$ and its clamps": (
        "tests/forecast/test_running_noise.py::test_every_prefix_of_every_schedule_is_the_worst_case_recursion",
    ),
    "prop:block}\\proved": NOISE,
    "thm:any-bias}\\proved": ANY_BIAS,
    "So linear decay of the same sum has the same bias": ANY_BIAS,
    "the best second stage after any first one is linear decay": (
        "tests/forecast/test_users.py::test_no_other_second_stage_is_better",
    ),
    "prop:misspecified}\\proved": (
        "tests/forecast/test_linear_decay.py::test_every_identity_of_the_proof_vanishes",
        "tests/forecast/test_linear_decay.py::test_restarts_with_the_bias_of_the_worst_case_are_its_law",
        "tests/forecast/test_linear_decay.py::test_restarts_are_a_minimum_over_what_remains",
    ),
}

NO_CLAIMS = {
    "## What is proved, what is measured, what failed": "a heading",
    "takes the same picture of residual networks": "what a command does",
    "the same work, taking turns in one process": "how times are taken; the peers' tests compare their losses",
    "does the same for SGD on finite sums": "what a command does",
    "each strategy has the same number of rates": "the definition of a protocol",
    "Every law is fitted by the same program": "how the leaderboard is made",
    "\\citet{attia2025} proved": "another paper's result",
    "\\paragraph{Grades.}": "the definition of a grade",
    "\\verified{} means": "the definition of a grade",
    "\\citet{zamani2025} determined exact rates": "another paper's result",
    "\\citet{defazio2023} proved": "another paper's result",
    "the same without the ball": "the description of an experiment",
    "that is much the same for all annealed schedules": "measured, and graded so",
    "three ways to the same flow time": "the description of an experiment",
    "by propagating the distribution": "how a slope is searched, with its error in the same sentence",
    "The programs are those of exact subgradients": "what a program is, and an open question",
}
