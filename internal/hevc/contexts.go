package hevc

// Where the contexts of each syntax element begin.
const (
	ctxSAOMerge      = 0
	ctxSAOType       = ctxSAOMerge + 1
	ctxSplitCU       = ctxSAOType + 1
	ctxBypass        = ctxSplitCU + 3
	ctxPartMode      = ctxBypass + 1
	ctxPrevMode      = ctxPartMode + 1
	ctxChromaMode    = ctxPrevMode + 1
	ctxSplitTU       = ctxChromaMode + 1
	ctxCBFLuma       = ctxSplitTU + 3
	ctxCBFChroma     = ctxCBFLuma + 2
	ctxSkip          = ctxCBFChroma + 5
	ctxLastX         = ctxSkip + 2
	ctxLastY         = ctxLastX + 18
	ctxSubBlock      = ctxLastY + 18
	ctxSignificant   = ctxSubBlock + 4
	ctxGreater1      = ctxSignificant + 44
	ctxGreater2      = ctxGreater1 + 24
	ctxQPDelta       = ctxGreater2 + 6
	ctxResScale      = ctxQPDelta + 2
	ctxResSign       = ctxResScale + 8
	ctxChromaQP      = ctxResSign + 2
	ctxChromaQPIndex = ctxChromaQP + 1
	contexts         = ctxChromaQPIndex + 1
)

// initial holds the values of initialization for intra slices (tables 9-5 to 9-37).
var initial = [contexts]uint8{
	153,           // sao_merge
	200,           // sao_type_idx
	139, 141, 157, // split_cu_flag
	154,           // cu_transquant_bypass_flag
	184,           // part_mode
	184,           // prev_intra_luma_pred_flag
	63,            // intra_chroma_pred_mode
	153, 138, 138, // split_transform_flag
	111, 141, // cbf_luma
	94, 138, 182, 154, 154, // cbf_cb, cbf_cr
	139, 139, // transform_skip_flag
	110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63, // last_sig_coeff_x_prefix
	110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63, // last_sig_coeff_y_prefix
	91, 171, 134, 141, // coded_sub_block_flag
	111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, // sig_coeff_flag
	125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125, 140, 139, 182, 182, 152,
	136, 152, 136, 153, 136, 139, 111, 136, 139, 111,
	141, 111, // of skipped transforms
	140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, // coeff_abs_level_greater1_flag
	139, 107, 122, 152, 140, 179, 166, 182, 140, 227, 122, 197,
	138, 153, 136, 167, 152, 152, // coeff_abs_level_greater2_flag
	154, 154, // cu_qp_delta_abs
	154, 154, 154, 154, 154, 154, 154, 154, // log2_res_scale_abs_plus1
	154, 154, // res_scale_sign_flag
	154, // cu_chroma_qp_offset_flag
	154, // cu_chroma_qp_offset_idx
}

// models are the states of all contexts and of what Rice parameters adapt by.
type models struct {
	state [contexts]uint8
	rice  [4]uint8 // StatCoeff
}

// reset initializes the contexts for a slice of this QP (9.3.2.2).
func (m *models) reset(qp int) {
	qp = max(0, min(qp, 51))
	for i, v := range initial {
		slope, offset := int(v>>4)*5-45, int(v&15)*8-16
		pre := max(1, min(slope*qp>>4+offset, 126))
		if pre <= 63 {
			m.state[i] = uint8(63-pre) * 2
		} else {
			m.state[i] = uint8(pre-64)*2 + 1
		}
	}
	m.rice = [4]uint8{}
}
